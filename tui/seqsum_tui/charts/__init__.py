"""Charts for the terminal: a braille rasteriser, axes and the chart widget.

Takes plain numpy arrays; imports no other room of the console.
"""

from seqsum_tui.charts.chart import Chart
from seqsum_tui.charts.series import Band, Mark, Series
from seqsum_tui.charts.sparkline import sparkline

__all__ = ["Band", "Chart", "Mark", "Series", "sparkline"]
