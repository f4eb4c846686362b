"""The command line: options in, exit status out. The only place that prints, exits or reads the environment."""
