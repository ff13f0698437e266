"""One run as it learns: charts, log, configuration, events, and the panel that asks.

May import `query` (the panel), `dialogs`, `shared`, `charts`.
"""
