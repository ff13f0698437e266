"""The list of runs: table, filter, preview, bin, and what is done to runs there.

May import `live` (curves, reader), `dialogs`, `shared`, `charts`; other screens are opened through `shared.context`.
"""
