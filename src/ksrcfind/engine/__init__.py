"""The engine behind all front ends: it reads a log line, finds the matching messages, and adds their histories."""
