"""The floor that every screen stands on: what it may ask of the app, keys, tables, polling.

May import `charts` and `terminal_io`, and no screen.
"""
