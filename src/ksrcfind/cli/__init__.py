"""The command line: options in, exit status out. Only this package prints, exits or reads the environment."""
