"""Join the lines of a log that belong together into incidents: what happened, when, how often, and to which device."""
