"""Steering runs from outside: commands to a worker, fork and rewind, many seeds of one preset."""
