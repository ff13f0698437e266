"""What the query server replied, made ready to be shown: pure functions, no screen and no torch."""
