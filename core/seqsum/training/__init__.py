"""The loop, schedules, checkpoints and, in `backends`, the ways to compute steps.

May import `evaluation`, `models`, `tasks`, `runs` and what lies below.
"""
