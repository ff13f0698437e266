"""The console's own settings: their file, the screen, keys, themes.

May import `new_run` (its keys), `dialogs`, `shared`.
"""
