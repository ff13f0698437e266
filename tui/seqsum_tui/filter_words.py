"""What the help tells of the language of the list's filter, in the form of its lines for keys."""

from __future__ import annotations

from textual.binding import Binding, BindingType

FILTER_WORDS: list[BindingType] = [
    Binding(f"filter_words_{place}", "", words, key_display=words, tooltip=text, show=False)
    for place, (words, text) in enumerate(
        {
            "lstm  'two words'  big-*": "A word in name, preset, id, group, tags or note; * stands for anything",
            "cell = lstm": "A setting, a metric or a column: = != < <= > >=",
            "name:big  tag:night": "A part of a text; whole texts with =",
            "name ~ ^big.*[0-9]$": "A regular expression; !~ for those that don't fit it",
            "seed in (0, 1)": "One of several values; not in (0, 1)",
            "loss = nan": "Also inf; what has no loss at all is found by not has:loss",
            "step > 1,000": "A comma parts thousands; also 20k, 90%, 1e-3",
            "age < 1h30m": "Times: s, m, h, d, w",
            "is:starred  has:note": "Also is:live, is:ended, has: any metric or setting",
            "and  or  not  ( )": "What stands beside each other must all be so",
        }.items()
    )
]
