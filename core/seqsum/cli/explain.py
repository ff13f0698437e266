"""`seqsum explain`: the words of the field, in a sentence or two each."""

from __future__ import annotations

import argparse

from seqsum.cli.output import say_json
from seqsum.cli.page import Page, Rows
from seqsum.glossary import TERMS, Term, find_term, term_of


def explain(options: argparse.Namespace) -> int:
    """Say what a word means, or list all words."""
    terms = _asked(options.word) if options.word else TERMS
    if options.json:
        for term in terms:
            say_json({"word": term.word, "others": term.others, "meaning": term.meaning})
    elif options.word:
        for term in terms:
            Page().line(f"{term.title}: {term.meaning}")
    else:
        Page().sections([Rows("Words", [(term.title, term.meaning) for term in terms])])
    return 0


def _asked(words: list[str]) -> list[Term]:
    """The term that the words name together, or else that of each; raises UserError for what is none."""
    phrase = " ".join(words)
    together = find_term(phrase)
    if together is not None:
        return [together]
    each = [find_term(word) for word in words]
    # Where not one is known they are a phrase with a slip.
    return list(dict.fromkeys(map(term_of, words if any(each) else [phrase])))
