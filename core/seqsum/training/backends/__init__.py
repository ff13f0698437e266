"""The ways to compute training steps: PyTorch, CUDA graphs, least squares, compiled code."""
