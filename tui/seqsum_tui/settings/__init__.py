"""The console's own settings: their file, the screen, keys, themes."""
