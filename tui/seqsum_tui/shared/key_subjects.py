"""What the keys of a screen are for, so that its help is read in parts; keys that are named here nowhere come first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import BindingType

SUBJECTS = {
    "Steer, stop, start again": "runs.again run.pause run.continue run.resume run.stop live.learning_rate "
    "live.change live.snapshot live.fork live.rewind live.undo_rewind",
    "Keep order": "runs.mark runs.mark_all runs.star runs.rename runs.tags runs.note runs.delete runs.undo runs.bin",
    "Which charts, and how": "live.metric live.add_charts live.remove_chart live.move_left live.move_right "
    "live.columns live.x_axis live.default_charts live.enlarge live.fullscreen "
    + " ".join(f"live.chart_{number}" for number in range(1, 10)),
    "Pages and their views": "query.view query.view_before query.answer query.inside query.whole query.learned "
    "query.more query.filter query.wrong",
    "Checkpoints, and their film": "query.earlier query.later query.newest query.replay query.halt query.film_back "
    "query.film_on query.export",
    "Texts and forecasts": "query.hotter query.colder query.top query.back_in_data query.on_in_data",
    "The curves": "compare.time compare.log_x compare.log_y compare.y_range compare.leave_out compare.smooth "
    "compare.smooth_less compare.left compare.right compare.pan_left compare.pan_right compare.zoom_in "
    "compare.zoom_out compare.fit",
    "The scatter": "compare.field compare.choose_field",
}
"""Subject → ids of keys."""


def by_subject(title: str, keys: Sequence[BindingType]) -> list[tuple[str, Sequence[BindingType]]]:
    """Return the keys in parts, each with its title; `title` is that of what has no subject of its own, or of all where
    they have one subject."""
    subject = {id: name for name, ids in SUBJECTS.items() for id in ids.split()}
    parts: dict[str, list[BindingType]] = {title: []}
    for one in keys:
        parts.setdefault(subject.get(getattr(one, "id", None) or "", title), []).append(one)
    found: list[tuple[str, Sequence[BindingType]]] = [(name, part) for name, part in parts.items() if part]
    return [(title, keys)] if len(found) == 1 else found
