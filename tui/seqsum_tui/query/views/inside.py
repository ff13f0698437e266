"""Inside a model: what it thinks after each step, its states and gates, and which steps the answer rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from seqsum.formatting import count, number, percent
from seqsum.query.question import Number
from seqsum.query.questions.attention import Attention, AttentionAnswer
from seqsum.query.questions.gradient_norms import GradientNorms, GradientNormsAnswer
from seqsum.query.questions.inspect import Inspect, InspectAnswer
from seqsum.query.questions.trajectory import Trajectory, TrajectoryAnswer
from seqsum.text import seen
from seqsum_tui.charts.palette import SIGNS
from seqsum_tui.charts.ramp import Scale
from seqsum_tui.query.heat_map import Heat, steps_named
from seqsum_tui.query.ribbons import Looks
from seqsum_tui.query.views.registry import Pane, view, what_was_typed
from seqsum_tui.query.views.shown import QUIET, Curves, Dots, Shown, curve, finite, lines, told, verdict
from seqsum_tui.shared import display


@view(
    Inspect, "inside", "Step by step",
    comes="How likely each answer is after each step of the question, and what each step counts.",
    comes_of_values="What would be forecast after each step of the series, and what each step counts.",
)  # fmt: skip
def inspected(answer: InspectAnswer, pane: Pane) -> list[Shown]:
    """Return the views of what happens while an input is read."""
    tokens = steps_named(answer.tokens)
    strip = _strip(tokens, answer.saliency.leave_one_out)
    made = [_probabilities(answer, tokens, strip, pane.session.answers("tags"))] if answer.probabilities else []
    if answer.values:
        made.append(_values(answer, strip))
    layers = answer.layers
    for layer in layers:
        where = f" {layer.layer + 1}" if len({one.layer for one in layers}) > 1 else ""
        where += " backwards" if layer.direction == "backward" else ""
        made.append(_states(f"Hidden{where}", layer.hidden, tokens, _HIDDEN))
        if layer.cell:
            made.append(_states(f"Cell{where}", layer.cell, tokens, _CELL))
        made += [_gate(name, where, values, tokens) for name, values in layer.gates.items()]
    made.append(_saliency(answer, tokens, strip))
    made.append(_norms(answer, tokens))
    return made


_HIDDEN = "What the network remembers after each step: one line for each unit."
_CELL = "The long memory behind the output gate: an LSTM's can grow beyond 1."


def _strip(tokens: Sequence[str], left_out: Sequence[float | None]) -> tuple[tuple[str, float], ...]:
    return tuple(zip(tokens, finite(left_out), strict=True)) if len(left_out) == len(tokens) else ()


def _probabilities(
    answer: InspectAnswer, tokens: tuple[str, ...], strip: tuple[tuple[str, float], ...], tags: bool
) -> Shown:
    steps = [finite(row) for row in answer.probabilities]
    written = answer.written
    names = steps_named(written) if written else tokens
    labels = steps_named([str(label) for label in answer.labels or range(len(steps[0]))])
    if written:
        said = "How likely each token was when it was written, given those before it."
    elif tags:
        said = "How likely each answer is at each step."
    else:
        said = "How likely each answer is if the input ends at a step."
    along = "token" if written else "step"
    heat = Heat(_turned(steps), labels, names[: len(steps)], "answer", along, above="likely", percent=True)
    words = lines(_verdict(answer), told((said, QUIET)))
    return Shown("Probabilities", words, heat, strip, counts=_falls(answer, "the last answer" if tags else ""))


def _falls(answer: InspectAnswer, of: str = "") -> str:
    """Say what stands below each step of the strip."""
    return f"without it {_measure(answer)}{f' of {of}' if of else ''} falls"


def _measure(answer: InspectAnswer) -> str:
    """What is compared when a step is left out."""
    if answer.values:
        return "forecast"
    return "log-probability" if answer.written else "probability"


def _verdict(answer: InspectAnswer) -> Content:
    words, ink = verdict(answer.correct, display.literal(seen(answer.truth or "")))
    return told((f"answer {display.literal(seen(answer.prediction))}", "bold"), (f"  {words}" if words else "", ink))


def _turned(steps: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """[steps][rows] → a row for each unit or class."""
    return tuple(zip(*steps, strict=True))


def _units(
    values: list[list[Number]], tokens: tuple[str, ...], scale: Scale, most: float = 1.0, above: str = "positive"
) -> Heat:
    """[steps][units] → a line for each unit."""
    steps = [finite(row) for row in values]
    units = tuple(str(at + 1) for at in range(len(steps[0]) if steps else 0))
    return Heat(_turned(steps), units, tokens, scale=scale, most=most, above=above)


def _states(title: str, values: list[list[Number]], tokens: tuple[str, ...], said: str) -> Shown:
    # Those of tanh are within 1; those of ReLU and an LSTM's cell states can go beyond.
    heat = _units(values, tokens, "diverging", _most(values))
    return Shown(title, told((f"{said} {count(len(heat.rows), 'unit')}.", QUIET)), heat)


_GATES = {
    "input": ("of the new candidate is let in", ""),
    "forget": ("of the old memory is kept", ": 1 remembers, 0 forgets"),
    "output": ("of the memory shows outside", ""),
    "reset": ("of the old state goes into the candidate", ""),
    "update": ("of the old state is kept", ": 1 remembers, 0 takes the candidate"),
    "write": ("of what a key finds is replaced", ": 1 all of it, 2 turns its sign"),
}
"""What a gate of 0 and more lets through, and what its ends mean. The others have signs, as states do."""


def _gate(name: str, where: str, values: list[list[Number]], tokens: tuple[str, ...]) -> Shown:
    most = _most(values)
    if name.startswith("head "):
        title = f"Layer{where} {name}" if where else name.capitalize()
        said, above = f"{title}: how much each step looks back at which", "attention"
        steps = [finite(row) for row in values]
        heat = Heat(_turned(steps), tokens, tokens, "looked at", scale="sequential", most=most, above=above)
        return Shown(title, told((said, QUIET)), heat)
    if name not in _GATES:
        title = f"{name.capitalize()}{where}"
        said = f"{title}: what is new{', from −1 to 1' if most <= 1 else ''}"
        return Shown(title, told((said, QUIET)), _units(values, tokens, "diverging", most))
    title, (what, ends) = f"{name.capitalize()} gate{where}", _GATES[name]
    said = f"{title}: how much {what}{ends}"
    return Shown(title, told((said, QUIET)), _units(values, tokens, "sequential", most, above=what))


def _most(values: list[list[Number]]) -> float:
    """The largest size there is, at least 1."""
    return max(1.0, max((abs(value) for row in values for value in finite(row) if math.isfinite(value)), default=1.0))


def _saliency(answer: InspectAnswer, tokens: tuple[str, ...], strip: tuple[tuple[str, float], ...]) -> Shown:
    found = answer.saliency
    rows = (tuple(finite(found.gradient_input)), tuple(finite(found.leave_one_out)))
    sizes = tuple(max((abs(value) for value in row if value == value), default=0.0) or 1.0 for row in rows)
    target = display.literal(found.target)
    # Each row by its own size: a gradient and a probability have no common unit.
    heat = Heat(rows, ("gradient", "left out"), tokens, "by", scale="diverging", most=sizes,
                above=f"for {target}", below=f"against {target}")  # fmt: skip
    said = (
        f"Which steps speak for {target} (+) and which against it (−): by gradient × "
        f"input (full: {number(sizes[0])}), and by how much the {_measure(answer)} falls when the step is left out "
        f"(full: {number(sizes[1])})."
    )
    return Shown("Saliency", told((said, QUIET)), heat, strip, counts=_falls(answer))


def _norms(answer: InspectAnswer, tokens: tuple[str, ...]) -> Shown:
    norms = finite(answer.gradient_norms)
    series = curve("‖∂loss/∂x‖", [*range(1, len(norms) + 1)], norms, sign=SIGNS[0])
    said = "How much each step could still change the loss: what falls to the left has been forgotten (vanishing)."
    curves = Curves((series,), "step", log_y=True, limits=(1, max(len(norms), 2)))
    return Shown("Gradient", told((said, QUIET)), curves)


def _values(answer: InspectAnswer, strip: tuple[tuple[str, float], ...]) -> Shown:
    values = finite(answer.values or [])
    series = curve("forecast", [*range(1, len(values) + 1)], values, sign=SIGNS[0])
    said = "What the network would forecast after each step of the window."
    return Shown("Forecasts", told((said, QUIET)), Curves((series,), "step"), strip, counts=_falls(answer))


@view(
    Attention, "inside", "Attention",
    comes="Where the model looks in the question while it writes each part of its answer.",
)  # fmt: skip
def attention(answer: AttentionAnswer, pane: Pane) -> list[Shown]:
    """Return the views of attention: ribbons from what was written to what it looked at, and the map of all weights."""
    weights = tuple(tuple(finite(row)) for row in answer.weights)
    written, read = steps_named(answer.written), steps_named(answer.tokens)
    said = told(("Where the decoder looked while it wrote each character", QUIET))
    heat = Heat(weights, written, read, "written", "looked at", above="of its attention", percent=True)
    return [
        Shown("Attention", said, Looks(written, read, weights)),
        Shown("Attention map", told(said, (": each line sums to 100%.", QUIET)), heat),
    ]


@view(
    GradientNorms, "inside", "Three cells",
    comes="How far back a question's end still teaches its beginning, in this network and in fresh cells.",
)  # fmt: skip
def three_cells(answer: GradientNormsAnswer, pane: Pane) -> Shown:
    """Return the view of gradient norms: the run's network beside fresh cells of its sizes (document 3)."""
    series = []
    for place, cell in enumerate(answer.curves):
        norms = finite(cell.norms)
        name = f"{cell.cell}, {'this run' if cell.trained else 'fresh'}"
        series.append(curve(name, [*range(1, len(norms) + 1)], norms, sign=SIGNS[place]))
    said = "‖∂loss/∂x‖ at each step, beside a fresh network of each cell: gates keep what a plain RNN loses on the way."
    curves = Curves(tuple(series), "step", log_y=True, limits=(1, max(len(answer.tokens), 2)))
    return Shown("Three cells", told((said, QUIET)), curves)


@view(Trajectory, "inside", "Trajectory", fields=what_was_typed)
def trajectory(answer: TrajectoryAnswer, pane: Pane) -> Shown:
    """Return the view of hidden states in the plane."""
    labels = tuple(display.literal(label) for label in answer.labels)
    place = {str(label): at for at, label in enumerate(answer.labels)}
    path = tuple((step.x, step.y, display.literal(step.token)) for step in answer.path)
    along = [percent(share) for share in answer.explained]
    what = "the right answer so far" if answer.label_is == "truth" else "what the model says there"
    said = (
        f"Hidden states of layer {answer.layer + 1} after each step of {len(set(answer.sequence)):,} sequences, "
        f"in the plane of most variance ({' and '.join(along)})."
    )
    if any(answer.label):
        points = tuple(place.get(str(label), 0) for label in answer.label)
    else:
        # What is written afterwards, and values: no step has an answer of its own.
        labels, points = (), (0,) * len(answer.label)
    dots = Dots(tuple(answer.x), tuple(answer.y), points, labels, path, what)
    return Shown("Trajectory", told((said, QUIET)), dots)
