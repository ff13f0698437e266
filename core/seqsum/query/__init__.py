"""Answers questions about a checkpoint, in a process of its own (`server`) when the console asks.

May import `evaluation`, `training` (checkpoints), `runs`, `models`, `tasks` and what lies below.
"""
