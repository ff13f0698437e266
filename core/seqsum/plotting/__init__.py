"""Drawing curves: smoothing, ranges, what is not finite, pictures as SVG and PNG.

May import `runs` and what lies below. No torch: the console smooths and scales by the same code.
"""
