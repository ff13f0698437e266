"""What a network does on all inputs or on a held-out part: loss, accuracy, accuracy by length.

May import `models`, `tasks` and what lies below; knows no run and no training.
"""
