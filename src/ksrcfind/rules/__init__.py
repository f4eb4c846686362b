"""Rules of monitoring systems: read their files, and decide which messages a rule can match."""
