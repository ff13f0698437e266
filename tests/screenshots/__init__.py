"""The documentation's pictures, taken of real runs: `make screenshots`."""
