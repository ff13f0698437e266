"""Texts that a model writes or reads, and series that it continues."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.content import Content

from seqsum.formatting import count, distinct, full, number, percent
from seqsum.plotting.ticks import AxisKind, format_x
from seqsum.query.questions.forecast import Forecast, ForecastAnswer
from seqsum.query.questions.loss_per_character import LossPerCharacter, LossPerCharacterAnswer
from seqsum.query.questions.sample import Sample, SampleAnswer
from seqsum.text import seen
from seqsum_tui.charts.palette import GREY, SIGNS
from seqsum_tui.charts.series import Band, Mark
from seqsum_tui.query.views.registry import Pane, view
from seqsum_tui.query.views.shown import QUIET, Curves, Shown, band, curve, finite, lines, told
from seqsum_tui.shared import display

WRITTEN = 200
UNITS: dict[str, AxisKind] = {"second": "date", "month": "month", "": "plain"}
FULL_BITS = 9
"""A digit below each token; so many bits, and more, are a full colour."""


def _prompt(pane: Pane) -> dict[str, Any]:
    return {"input": pane.question or "", "temperature": pane.temperature, "top_k": pane.top_k, "length": WRITTEN}


@view(Sample, "more", "Sample", fields=_prompt)
def sample(answer: SampleAnswer, pane: Pane) -> Shown:
    """Return the view of a text that was written: the prompt, and how the model goes on."""
    temperature, top_k = pane.temperature, pane.top_k
    how = f"temperature {full(temperature)}" if temperature else "the likeliest each time"
    how += f", out of the {top_k} likeliest" if top_k else ""
    sure = finite(answer.probabilities)
    mean = sum(sure) / len(sure) if sure else 0.0
    said = told((f"{how}; mean probability {percent(mean)}. t and T change the temperature, o how many.", QUIET))
    prompt, written = display.literal_lines(answer.prompt), display.literal_lines(seen(answer.written))
    between = answer.between if answer.written.strip() else " "
    text = told((prompt, "bold"), between, (written, "$text-accent"))
    remarks = [told((f"{display.literal(remark)}.", QUIET)) for remark in answer.remarks]
    return Shown("Sample", lines(said, *remarks, Content(""), text))


@view(LossPerCharacter, "more", "Surprise", comes="Which parts of a text surprise the model.")
def surprise(answer: LossPerCharacterAnswer, pane: Pane) -> Shown:
    """Return the view of how much of a text was expected: the text, and below each token how many bits it cost."""
    characters, bits = answer.characters, finite(answer.bits)
    mean = answer.mean_bits
    head = told((f"{number(mean)} bits per {answer.unit}" if mean is not None else "", "bold"),
                (f"  below each {answer.unit} the bits it cost: 0 expected, 1 a coin toss, 8 a guess among 256, "
                 f"{FULL_BITS} for {FULL_BITS} or more, ? the first, with nothing before it", QUIET))  # fmt: skip
    strip = tuple((display.token(one), value)
                  for one, value in zip(characters, bits, strict=True))  # fmt: skip
    first = int(answer.bits[:1] == [None])  # nothing is before it, so it has no cost: that is no broken value
    series = curve("bits", [*range(first + 1, len(bits) + 1)], bits[first:], sign=SIGNS[0])
    picture = Curves((series,), answer.unit, span=(0.0, None), limits=(1, max(len(bits), 2)))
    return Shown("Surprise", head, picture, strip, FULL_BITS)


def _window(pane: Pane) -> dict[str, Any]:
    return {"input": pane.question or ""} if pane.begins is None else {"offset": pane.begins}


def _value(value: float) -> str:
    """A value of a series as the answer has it."""
    return distinct([value])[0]


@view(Forecast, "more", "Forecast", fields=_window)
def forecast(answer: ForecastAnswer, pane: Pane) -> list[Shown]:
    """Return the views of a forecast: the continuation beside AR(p) and the truth, and errors by horizon."""
    offset = pane.begins
    history, ahead = finite(answer.history), finite(answer.forecast)
    time = answer.time
    when = [float(step) for step in range(1 - len(history), len(ahead) + 1)] if time is None else time.at
    kind: AxisKind = "number" if time is None else UNITS[time.unit]
    before, after = when[: len(history)], when[len(history) :]
    order = answer.order
    series = [
        curve("before", before, history, sign="·", colour=GREY),
        curve("model", after, ahead, sign=SIGNS[0]),
    ]
    beside = finite(answer.autoregressive)
    if beside:
        series.append(curve(f"AR({order})", after[: len(beside)], beside, sign=SIGNS[1]))
    season = finite(answer.seasonal_naive or [])
    if season:
        series.append(curve("season before", after[: len(season)], season, sign=SIGNS[4]))
    truth = answer.truth
    errors = ""
    if truth:
        known = finite(truth)
        series.append(replace(curve("truth", after[: len(known)], known, sign=SIGNS[2]), role="points"))
        mine = sum(abs(a - b) for a, b in zip(ahead, known, strict=False)) / len(known)
        errors = f"mean absolute error {number(mine)}"
        if beside:
            theirs = sum(abs(a - b) for a, b in zip(beside, known, strict=False)) / len(known)
            errors += f", AR({order}) {number(theirs)}"
    place = "from the series asked" if offset is None else f"from {count(offset, 'value')} before the data's end"
    place += " (▸)" if time is None else f" (▸ {format_x(after[0], kind, after[-1] - after[0])} on)"
    said = f"{place}: {errors or 'what follows is not known'}. < and > go back and on in the data."
    bands: tuple[Band, ...] = ()
    if answer.interval is not None:
        low, high = finite(answer.interval.low), finite(answer.interval.high)
        bands = (band("model", after, low, high),)
        said += f" Shaded: the interval that is to hold {percent(answer.interval.share)} of what comes."
    ends = [*before[-1:], *after[:1]]
    marks = (Mark(sum(ends) / len(ends), "forecast", sign="▸", kind="forecast"),)
    name = "steps ahead" if time is None else display.literal(time.name)
    curves = Curves(tuple(series), name, kind, bands=bands, marks=marks, spell=_value)
    made = [Shown("Forecast", told((said, QUIET)), curves)]
    horizon = answer.error_by_horizon
    if horizon:
        x = [*range(1, len(horizon.model) + 1)]
        named = (
            ("model", horizon.model, SIGNS[0]),
            (f"AR({order})", horizon.autoregressive, SIGNS[1]),
            # The sign of the truth, in the chart of the forecast, is another.
            ("same as last", horizon.same_as_last, SIGNS[3]),
            ("season before", horizon.seasonal_naive, SIGNS[4]),
        )
        drawn = tuple(curve(name, x, finite(y), sign=sign) for name, y, sign in named if y)
        text = f"Mean absolute error by how far ahead, over {count(horizon.windows, 'window')} never trained on."
        if horizon.coverage:
            first, last = (percent(horizon.coverage[at]) for at in (0, -1))
            text += f" The interval held {first} of what came next, {last} of what came {len(x)} steps ahead."
        made.append(Shown("Errors", told((text, QUIET)), Curves(drawn, "steps ahead", span=(0.0, None))))
    return made
