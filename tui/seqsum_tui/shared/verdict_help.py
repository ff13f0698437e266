"""What the verdicts on runs mean, for the help."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from seqsum.runs.verdict import RULES
from seqsum_tui.shared.display import VERDICTS

VERDICT_WORDS: list[BindingType] = [
    Binding(
        f"verdict_{place}",
        "",
        word,
        key_display=VERDICTS[word].text,
        tooltip=f"{rule[:1].upper()}{rule[1:]}",
        show=False,
    )
    for place, (word, rule) in enumerate(RULES.items())
]
