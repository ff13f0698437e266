"""Other ways to train the same model on the same task, each in one file."""
