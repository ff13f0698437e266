"""Benchmarks against peers: how fast, and how well, each learns the same task. They print; they assert nothing."""
