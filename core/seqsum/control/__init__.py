"""Steering runs from outside: commands to a worker, fork and rewind, many seeds of one preset.

May import every room but `cli`, `worker` and `query`. No torch until a checkpoint is read.
"""
