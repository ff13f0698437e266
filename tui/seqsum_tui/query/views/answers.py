"""An answer as text: a class with its bars, sequences under each other, a forecast as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from seqsum.formatting import distinct, full, percent
from seqsum.text import seen
from seqsum_tui.query.said import Said
from seqsum_tui.query.views.shown import QUIET, RIGHT, WRONG, Part, lines, told, verdict
from seqsum_tui.shared import display

BAR_CELLS = 8
CURVE_ROWS = 3
BLOCKS = " ▁▂▃▄▅▆▇█"
LEAD = 8


def describe(said: Said, width: int, *, drawn: bool = True) -> Content:
    """Return an answer in words, as wide as `width` cells where it has columns; everything in it is literal.

    drawn: whether a forecast is drawn, too
    """
    return lines(_described(said, width, drawn), *remarks(said))


def remarks(said: Said) -> list[Content]:
    """Return what to know of how the question was read, a line each."""
    return [told((display.literal(remark), QUIET)) for remark in said.answer.remarks]


def _described(said: Said, width: int, drawn: bool) -> Content:
    answer, reading = said.answer, said.reading
    if reading.kind == "values":
        return _forecast(said, width if drawn else None)
    if reading.kind == "continuation" and isinstance(answer.prediction, str):
        return _written(said)
    if reading.kind == "class":
        head = _head(said, verdict(answer.correct, said.text("truth")))
        bars = likeliest(said.shares, reading.labels or [], width)
        return lines(head, bars) if bars else head
    return _sequence(said, width)


def _head(said: Said, verdict: Part) -> Content:
    parts: list[Part] = [(said.text("input"), "bold"), " → ", (said.text("prediction"), "bold $text-accent")]
    return told(*parts, "  " if verdict[0] else "", verdict, _when(said))


def _when(said: Said) -> Part:
    temperature = said.reading.temperature
    more = f", temperature {full(temperature)}" if temperature is not None else ""
    return (f"   (the model at step {said.step:,}{more})", QUIET)


def likeliest(probabilities: Sequence[float], labels: Sequence[str], width: int) -> Content:
    """Return the likeliest classes with bars, as many as fit into `width` cells."""
    ranked = sorted(enumerate(probabilities), key=lambda pair: -pair[1])
    parts: list[Part] = []
    used = 0
    for index, share in ranked:
        label = display.literal(seen(labels[index])) if index < len(labels) else str(index)
        label = display.fit(label, 24) if cell_len(label) > 24 else label
        filled = max(round(share * BAR_CELLS), 0)
        text = f"  {label} ", "█" * filled, "·" * (BAR_CELLS - filled), f" {percent(share)}"
        length = sum(map(cell_len, text))
        if used + length > width or (parts and share < 0.001):
            break
        used += length
        styles = "bold", "$text-primary", "$foreground 20%", "$foreground-muted"
        parts += zip(text, styles, strict=True)
    return Content.assemble(*parts)


# Sequences


def _sequence(said: Said, width: int) -> Content:
    """One token under the other; wrong places are marked by a sign below."""
    answer = said.answer
    asked, answered, truth = map(_tokens, (answer.input, answer.prediction, answer.truth))
    known = answer.truth is not None
    places = range(max(len(answered), len(truth)))
    wrong = [at for at in places if answered[at : at + 1] != truth[at : at + 1]]
    judged: Part = ("", "")
    if known:
        judged = (f"✗ {len(wrong)} of {len(places)} wrong", WRONG) if wrong else ("✓ right", RIGHT)
    rows: list[tuple[str, list[str], str]] = []
    if said.reading.kind == "tags" and len(asked) == len(answered):
        head = told(judged, _when(said))
        rows += [("input", asked, "bold"), ("answer", answered, "bold $text-accent")]
    else:
        head = _head(said, judged)
        if known and wrong:
            rows.append(("answer", answered, "bold $text-accent"))
    if known and wrong:
        rows.append(("truth", truth, ""))
        marks = ["▲" if place in set(wrong) else "" for place in range(max(wrong) + 1)]
        rows.append(("wrong", marks, "$text-error"))
    return lines(head, *_aligned(rows, isinstance(answer.prediction, list), width))


def _tokens(value: Any) -> list[str]:
    if value is None:
        return []
    return [display.literal(str(part)) for part in (value if isinstance(value, list | str) else [value])]


def _aligned(rows: list[tuple[str, list[str], str]], spaced: bool, width: int) -> list[Content]:
    """Return rows of tokens, each token below its like; what is too long for `width` goes on in further blocks."""
    places = max((len(tokens) for _, tokens, _ in rows), default=0)
    cells = [max([cell_len(row[1][at]) for row in rows if at < len(row[1])] + [1]) for at in range(places)]
    found: list[Content] = []
    start = 0
    while start < places:
        end, used = start, LEAD
        while end < places and (end == start or used + cells[end] + spaced <= width):
            used += cells[end] + spaced
            end += 1
        for name, tokens, style in rows:
            shown = [(tokens[at] if at < len(tokens) else "").rjust(cells[at]) for at in range(start, end)]
            text = (" " if spaced else "").join(shown).rstrip()
            if text or name == "answer":
                found.append(Content.assemble((name.ljust(LEAD), QUIET), (text, style)))
        start = end
    return found


def _written(said: Said) -> Content:
    """A text and how the model goes on with it, on as many lines as it has."""
    prompt, prediction = str(said.answer.input or ""), str(said.answer.prediction or "")
    asked = display.literal_lines(prompt if prediction.strip() else f"{prompt} ")
    written = display.literal_lines(seen(prediction))
    return told((asked, "bold"), (written, "$text-accent"), "\n", _when(said))


# Values


def _forecast(said: Said, width: int | None) -> Content:
    """The values that were forecast; where there is a width, their curve behind that of the values before."""
    ahead, before = ([float(value) for value in values] for values in (said.answer.prediction, said.answer.input))
    head = "next value" if len(ahead) == 1 else f"next {len(ahead):,} values"
    shown = [told((head, "bold"), _when(said)), told((said.text("prediction"), "bold $text-accent"))]
    if said.answer.truth is not None:
        shown.append(told(("truth  ", QUIET), said.text("truth")))
    return lines(*shown, *(_curve(before, ahead, width) if width else ()))


def _curve(before: list[float], ahead: list[float], width: int) -> list[Content]:
    """Columns for the last values and, behind a line, those forecast; the highest and lowest stand at the right."""
    room = max(width - 17, 8)
    ahead = ahead[: room // 2]
    before = before[-(room - len(ahead)) :]
    values = before + ahead
    if len(values) < 2 or not all(value - value == 0 for value in values):
        return []
    low, high = min(values), max(values)
    lowest, highest = distinct([low, high])
    steps = CURVE_ROWS * (len(BLOCKS) - 1)
    levels = [1 + round((value - low) / ((high - low) or 1) * (steps - 1)) for value in values]
    found = []
    for row in reversed(range(CURVE_ROWS)):
        drawn = [BLOCKS[min(max(level - row * 8, 0), 8)] for level in levels]
        edge = {CURVE_ROWS - 1: f"  {highest} highest", 0: f"  {lowest} lowest"}.get(row, "")
        found.append(
            Content.assemble(
                ("".join(drawn[: len(before)]), "$foreground-muted"), ("│", QUIET),
                ("".join(drawn[len(before) :]), "$text-accent"), (edge, QUIET),
            )
        )  # fmt: skip
    return found
