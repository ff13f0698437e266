"""The README's pictures, taken of real runs: `make screenshots`."""
