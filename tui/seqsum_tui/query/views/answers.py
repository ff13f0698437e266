"""An answer of the query server as text: a class with its bars, sequences under each other, a forecast as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from seqsum.formatting import distinct, full, percent
from seqsum_tui.shared import display

BAR_CELLS = 8
CURVE_ROWS = 3
BLOCKS = " ▁▂▃▄▅▆▇█"
LEAD = 8
QUIET = "$foreground 60%"

Part = str | tuple[str, str]


def describe(reply: dict[str, Any], width: int) -> Content:
    """Return a reply in words, as wide as `width` cells where it has columns; everything in it is literal."""
    remarks = [
        Content.styled(display.literal(remark), QUIET) for remark in reply.get("answer", {}).get("remarks") or []
    ]
    return Content("\n").join([_described(reply, width), *remarks])


def _described(reply: dict[str, Any], width: int) -> Content:
    answer = reply.get("answer", {})
    kind = reply.get("kind", "class")
    if kind == "values":
        return _forecast(reply, answer, width)
    if kind == "continuation" and isinstance(answer.get("prediction"), str):
        return _written(reply)
    if kind == "class":
        lines = [_head(reply, _verdict(answer, text_of(reply, "truth")))]
        bars = likeliest(answer.get("probabilities") or [], reply.get("labels") or [], width)
        return Content("\n").join([*lines, bars] if bars else lines)
    return _sequence(reply, answer, kind, width)


def text_of(reply: dict[str, Any], part: str) -> str:
    """Return a part of the answer as the task writes it, literally."""
    text = (reply.get("text") or {}).get(part)
    value = reply.get("answer", {}).get(part) if text is None else text
    return display.literal(" ".join(map(str, value)) if isinstance(value, list) else str(value))


def _head(reply: dict[str, Any], verdict: Part) -> Content:
    parts: list[Part] = [(text_of(reply, "input"), "bold"), " → ", (text_of(reply, "prediction"), "bold $text-accent")]
    return Content.assemble(*parts, "  " if verdict else "", verdict, _when(reply))


def _when(reply: dict[str, Any]) -> Part:
    step, temperature = reply.get("checkpoint_step"), reply.get("temperature")
    said = [f"the model at step {step:,}"] if isinstance(step, int) else []
    said += [f"temperature {full(temperature)}"] if isinstance(temperature, int | float) else []
    return (f"   ({', '.join(said)})", QUIET) if said else ""


def _verdict(answer: dict[str, Any], truth: str) -> Part:
    if answer.get("correct") is None:
        return ""
    return ("✓ right", "$text-success") if answer["correct"] else (f"✗ wrong, it is {truth}", "$text-error")


def likeliest(probabilities: Sequence[float], labels: Sequence[str], width: int) -> Content:
    """Return the likeliest classes with bars, as many as fit into `width` cells."""
    ranked = sorted(enumerate(probabilities), key=lambda pair: -pair[1])
    parts: list[Part] = []
    used = 0
    for index, share in ranked:
        label = display.literal(labels[index]) if index < len(labels) else str(index)
        label = display.fit(label, 24) if cell_len(label) > 24 else label
        filled = max(round(share * BAR_CELLS), 0)
        text = f"  {label} ", "█" * filled, "·" * (BAR_CELLS - filled), f" {percent(share)}"
        length = sum(map(cell_len, text))
        if used + length > width or (parts and share < 0.001):
            break
        used += length
        styles = "bold", "$text-primary", "$foreground 20%", "$foreground 70%"
        parts += zip(text, styles, strict=True)
    return Content.assemble(*parts)


# Sequences


def _sequence(reply: dict[str, Any], answer: dict[str, Any], kind: str, width: int) -> Content:
    """One token under the other; wrong places are marked by a sign below."""
    asked, said, truth = (_tokens(answer.get(part)) for part in ("input", "prediction", "truth"))
    known = answer.get("truth") is not None
    places = range(max(len(said), len(truth)))
    wrong = [at for at in places if said[at : at + 1] != truth[at : at + 1]]
    verdict: Part = ""
    if known:
        verdict = (f"✗ {len(wrong)} of {len(places)} wrong", "$text-error") if wrong else ("✓ right", "$text-success")
    spaced = isinstance(answer.get("prediction"), list)
    rows: list[tuple[str, list[str], str]] = []
    if kind == "tags" and len(asked) == len(said):
        lines = [Content.assemble(verdict, _when(reply)) if known else Content.assemble(_when(reply))]
        rows.append(("input", asked, "bold"))
        rows.append(("answer", said, "bold $text-accent"))
    else:
        lines = [_head(reply, verdict)]
        if known and wrong:
            rows.append(("answer", said, "bold $text-accent"))
    if known and wrong:
        rows.append(("truth", truth, ""))
        marks = ["▲" if place in set(wrong) else "" for place in range(max(wrong) + 1)]
        rows.append(("wrong", marks, "$text-error"))
    return Content("\n").join([*lines, *_aligned(rows, spaced, width)])


def _tokens(value: Any) -> list[str]:
    if value is None:
        return []
    return [display.literal(str(part)) for part in (value if isinstance(value, list | str) else [value])]


def _aligned(rows: list[tuple[str, list[str], str]], spaced: bool, width: int) -> list[Content]:
    """Return rows of tokens, each token below its like; what is too long for `width` goes on in further blocks."""
    places = max((len(tokens) for _, tokens, _ in rows), default=0)
    cells = [max([cell_len(row[1][at]) for row in rows if at < len(row[1])] + [1]) for at in range(places)]
    lines: list[Content] = []
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
                lines.append(Content.assemble((name.ljust(LEAD), QUIET), (text, style)))
        start = end
    return lines


def _written(reply: dict[str, Any]) -> Content:
    """A text and how the model goes on with it, on as many lines as it has."""
    answer = reply["answer"]
    asked, written = (display.literal_lines(str(answer.get(part) or "")) for part in ("input", "prediction"))
    return Content.assemble((asked, "bold"), (written, "$text-accent"), "\n", _when(reply))


# Values


def _forecast(reply: dict[str, Any], answer: dict[str, Any], width: int) -> Content:
    """The values that were forecast, and their curve behind that of the values before."""
    ahead = [float(value) for value in answer.get("prediction") or []]
    before = [float(value) for value in answer.get("input") or []]
    said = "next value" if len(ahead) == 1 else f"next {len(ahead):,} values"
    lines = [Content.assemble((said, "bold"), _when(reply))]
    lines.append(Content.styled(text_of(reply, "prediction"), "bold $text-accent"))
    if answer.get("truth") is not None:
        lines.append(Content.assemble(("truth  ", QUIET), text_of(reply, "truth")))
    return Content("\n").join([*lines, *_curve(before, ahead, width)])


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
    lines = []
    for row in reversed(range(CURVE_ROWS)):
        drawn = [BLOCKS[min(max(level - row * 8, 0), 8)] for level in levels]
        edge = {CURVE_ROWS - 1: f"  {highest} highest", 0: f"  {lowest} lowest"}.get(row, "")
        lines.append(
            Content.assemble(
                ("".join(drawn[: len(before)]), "$foreground 60%"), ("│", QUIET),
                ("".join(drawn[len(before) :]), "$text-accent"), (edge, QUIET),
            )
        )  # fmt: skip
    return lines
