"""The ways to compute steps: PyTorch, CUDA graphs, least squares, compiled code.

May import the rest of `training` that is no loop: optimizers, schedules, device.
"""
