"""SwanLab, offline: logs in the run's folder, which `seqsum sync` uploads.

Online mode is never used: its `finish` can hang for minutes when the network goes.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.runs.bounds import own_folder
from seqsum.trackers.base import Media, Point, Tracker

if TYPE_CHECKING:
    from seqsum.config import TrackConfig
    from seqsum.runs.record import Record

# The names of document 1, beside ours; loss and accuracy are called the same in both.
TUTORIAL_NAMES = {"lr": "current_lr"}
PARAMETERS = "Model Params"
STATES = {"finished": "success", "stopped": "aborted", "failed": "crashed"}

# What SwanLab takes at most.
LONGEST_TEXT = 512
LONGEST_DESCRIPTION = 1024
MOST_TAGS = 30


class SwanLabLogs(Tracker):
    """Writes `<folder>/run-<time>-<run id>/`; a run that goes on after a stop gets one more of these."""

    name = "swanlab"

    def __init__(self, folder: Path, record: Record, track: TrackConfig) -> None:
        self.folder = folder
        self.record = record
        self.track = track
        self._run: Any = None

    def start(self, config: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
        hook = sys.excepthook
        import swanlab
        from swanlab import Settings

        own_folder(self.folder).mkdir(exist_ok=True)
        settings = Settings(
            interactive=False,
            terminal=Settings.Terminal(proxy_type="none"),
            probe=Settings.Probe(monitor=False, requirements=False, git=False, conda=False),
        )
        description, group = self.track.description, self.track.group
        try:
            # Called in a thread, it takes no signal handler; the two other hooks it does take.
            self._run = swanlab.init(
                mode="offline",
                log_dir=str(self.folder),
                project=self.track.project,
                name=self.record.name[:LONGEST_TEXT],
                description=description[:LONGEST_DESCRIPTION] if description else None,
                group=group[:LONGEST_TEXT] if group else None,
                tags=[tag[:LONGEST_TEXT] for tag in self.track.tags[:MOST_TAGS]],
                id=self.record.id,
                config={
                    **{section: dict(fields) for section, fields in config.items()},
                    "seed": self.record.seed,
                    "preset": self.record.preset,
                    "run": self.record.id,
                    "versions": dict(self.record.versions),
                    "git_commit": self.record.git_commit,
                    **facts,
                },
                settings=settings,
            )
        finally:
            sys.excepthook = hook
        # At exit it would finish by itself, and can hang there; the worker finishes it, with a time limit.
        leave = getattr(self._run, "_handle_atexit", None)
        if leave is not None:
            atexit.unregister(leave)
        if facts.get("parameters") is not None:
            self._run.log({PARAMETERS: facts["parameters"]}, step=int(facts.get("step", 0)))

    def log(self, points: Sequence[Point]) -> None:
        for step, group in groupby(points, key=lambda point: point[1]):
            values = {name: value for name, _, value in group}
            values.update({theirs: values[ours] for ours, theirs in TUTORIAL_NAMES.items() if ours in values})
            self._run.log(values, step=step)

    def media(self, media: Media) -> None:
        import swanlab

        charts: dict[str, Any] = {}
        if len(media.accuracy_by_length) > 1:
            charts["accuracy by length"] = swanlab.ECharts(_bars(media.accuracy_by_length))
        if media.confusion is not None:
            charts["confusion matrix"] = swanlab.ECharts(_heat_map(media.confusion.tolist()))
        if charts:
            self._run.log(charts, step=media.step)

    def finish(self, status: str, reason: str | None) -> None:
        state = STATES.get(status, "crashed")
        self._run.finish(state=state, error=(reason or status) if state == "crashed" else None)


def _bars(accuracy: Mapping[int, float]) -> Any:
    from pyecharts import options
    from pyecharts.charts import Bar

    chart = Bar().add_xaxis([str(length) for length in accuracy])
    chart.add_yaxis("accuracy", [round(value, 6) for value in accuracy.values()])
    chart.set_global_opts(
        xaxis_opts=options.AxisOpts(name="length"), yaxis_opts=options.AxisOpts(name="accuracy", min_=0, max_=1)
    )
    return chart


def _heat_map(confusion: list[list[int]]) -> Any:
    """Rows are the true classes; each cell is a share of its row, so that rare classes show as well."""
    from pyecharts import options
    from pyecharts.charts import HeatMap

    names = [str(index) for index in range(len(confusion))]
    cells = [
        [column, row, round(count / max(1, sum(counts)), 6)]
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
    ]
    chart = HeatMap().add_xaxis(names)
    chart.add_yaxis("share of the true class", names, cells, label_opts=options.LabelOpts(is_show=False))
    chart.set_global_opts(
        xaxis_opts=options.AxisOpts(name="answer", type_="category"),
        yaxis_opts=options.AxisOpts(name="truth", type_="category"),
        visualmap_opts=options.VisualMapOpts(min_=0, max_=1),
    )
    return chart
