"""The screen of a sweep: its settings as a table, as parallel lines, on a grid of two fields, and what decides."""
