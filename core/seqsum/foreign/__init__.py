"""Logs that other programs write, as runs: found below a path, read as they grow, and never written to.

Each kind of log has a module with one `LogFormat`; `formats` knows them all, `following` makes runs of what they find,
and `python -m seqsum.foreign PATH WORKSPACE` is the process that does so beside a console.
"""
