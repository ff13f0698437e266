"""The list of runs: table, filter, preview, bin, and what is done to runs there."""
