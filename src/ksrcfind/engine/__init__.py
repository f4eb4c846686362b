"""The engine behind all front ends: read a line, match it, add its history."""
