"""The fused step backend: the steps of a whole chunk in compiled code, with no Python between them (numba).

Layout of every activation: rows × width, row-major, widths rounded up to whole vectors of `LANES`. The rows of a batch
are packed as in PyTorch's PackedSequence: sorted by length, step 0 of every row first, then step 1 of those that are
long enough, and so on; so padding costs nothing.
"""
