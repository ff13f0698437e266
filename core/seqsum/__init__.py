"""seqsum: train small sequence models and ask them questions, without a screen.

The console (`seqsum_tui`) and the command line (`seqsum`) both stand on this package. Importing it loads no torch;
the rooms that need torch (`models`, `training`, `query`) are imported by name.
"""

__version__ = "0.1.0"
