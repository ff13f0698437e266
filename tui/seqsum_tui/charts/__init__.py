"""Charts for the terminal: a braille rasteriser, ticks, smoothing and the chart widget. Takes plain numpy arrays."""

from .chart import Chart
from .series import Band, Mark, Series
from .sparkline import sparkline

__all__ = ["Band", "Chart", "Mark", "Series", "sparkline"]
