"""Serve answers as tools of the Model Context Protocol, so that an AI assistant can answer with evidence."""
