"""What the help tells of the language of the list's filter, in the form of its lines for keys."""

from __future__ import annotations

from textual.binding import Binding, BindingType

FILTER_WORDS: list[BindingType] = [
    Binding(f"filter_words_{place}", "", words, key_display=words, tooltip=text, show=False)
    for place, (words, text) in enumerate(
        {
            "big-*": "A word in name, preset, group, tags, note, an id's start; * is anything, quote 'two words'",
            "cell = lstm": "A setting, a metric or a column, compared by = != < <= > >=",
            "tag:night": "A part of a text, also owner:anna, host:box2; the whole text by =",
            "name ~ ^a.*": "A regular expression; !~ for those that don't fit it",
            "in (0, 1)": "seed in (0, 1): one of several values; seed not in (0, 1): none of them",
            "loss = nan": "Also inf; what has no loss at all is found by not has:loss",
            "= 99.83%": "What rounds to the digits given; lr is the last step's rate, optim.lr the setting",
            "> 1,000": "A comma parts thousands; also 20k, 90%, 1e-3",
            "age < 1h30m": "Times, in s, m, h, d, w, or as words: 2 hours, 1 day",
            "is:starred": "Also is:live, is:ended; has:note, or has: with any metric or setting",
            "and or not": "With brackets; what stands beside each other must all be so",
        }.items()
    )
]
