"""`seqsum explain`: the words of the field, in a sentence or two each."""

from __future__ import annotations

import argparse

from seqsum.cli.output import say_json
from seqsum.cli.page import Page, Rows
from seqsum.glossary import TERMS, term_of


def explain(options: argparse.Namespace) -> int:
    """Say what a word means, or list all words."""
    terms = [term_of(" ".join(options.word))] if options.word else TERMS
    if options.json:
        for term in terms:
            say_json({"word": term.word, "others": term.others, "meaning": term.meaning})
    elif options.word:
        Page().line(f"{terms[0].title}: {terms[0].meaning}")
    else:
        Page().sections([Rows("Words", [(term.title, term.meaning) for term in terms])])
    return 0
