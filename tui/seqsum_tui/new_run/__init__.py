"""The form that starts a run.

May import `dialogs`, `shared`.
"""
