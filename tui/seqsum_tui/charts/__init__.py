"""Charts for the terminal: a braille rasteriser, ticks, smoothing and the chart widget. Takes plain numpy arrays."""

from seqsum_tui.charts.chart import Chart
from seqsum_tui.charts.series import Band, Mark, Series
from seqsum_tui.charts.sparkline import sparkline

__all__ = ["Band", "Chart", "Mark", "Series", "sparkline"]
