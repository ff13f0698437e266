"""Asking a checkpoint: client of the query server, the screen, the panel below a live run; pages in `views`.

May import `dialogs`, `shared`, `charts`.
"""
