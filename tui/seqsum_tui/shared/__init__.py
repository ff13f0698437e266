"""What every screen may use: the floor of the house, above charts and terminal."""
