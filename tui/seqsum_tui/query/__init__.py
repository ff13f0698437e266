"""Asking a checkpoint: the session, the screen, the panel below a live run."""
