"""Answers questions about a checkpoint, in a process of its own when the console asks."""
