"""The same answers as tools of the Model Context Protocol, so that an assistant can answer with evidence."""
