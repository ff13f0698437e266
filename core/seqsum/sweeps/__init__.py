"""Sweeps: one preset with many settings and seeds, chosen by Optuna, as groups of ordinary runs.

The top of the engine's control: it starts runs as `control` does, and reads them as `compare` does.
"""
