"""Runs side by side: curves, differing settings, scatter, export."""
