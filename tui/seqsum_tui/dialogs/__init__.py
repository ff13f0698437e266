"""Small screens that ask for one thing and give it back.

May import `shared` and `charts`; they know no other screen.
"""
