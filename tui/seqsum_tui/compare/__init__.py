"""Runs side by side: curves, differing settings, scatter, export.

May import `dialogs`, `shared`, `charts`.
"""
