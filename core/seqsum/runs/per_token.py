"""Which metrics of a language model are means over its tokens, and what decides what a token is.

The longer tokens are, the fewer and the harder ones a text has; the fewer are told apart, the more are unknown, which
is easily guessed. So such a metric ranks no run over words against one over characters; what is per character can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from seqsum.formatting import enumerated

PER_CHARACTER = "bits_per_character"
PER_TOKEN = ("accuracy", "loss", "train_accuracy", "eval_loss", "train_loss", "test_accuracy", "test_loss")
DECIDING = ("task.tokenizer", "task.vocabulary_size")


class Tokens(NamedTuple):
    """A token's kind, and how many are told apart at most."""

    kind: str
    told_apart: int


def tokens_of(fields: Mapping[str, Any], metrics: Iterable[str], metric: str) -> Tokens | None:
    """Return which tokens a run's metric is a mean over; None where it is none over tokens.

    fields: section.field → value; metrics: all that the run has, those of the first evaluation perhaps not yet
    """
    if metric not in PER_TOKEN or not (PER_CHARACTER in metrics or fields.get("task.name") == "character_lm"):
        return None
    from seqsum.tasks.character_lm import USUAL_VOCABULARY

    kind = str(fields.get(DECIDING[0]) or "characters")
    return Tokens(kind, fields.get(DECIDING[1]) or USUAL_VOCABULARY.get(kind, 0))


def tokens_told(several: Iterable[Tokens]) -> str:
    """Name tokens that differ: characters and words, or words (2,000 and 5,000 told apart)."""
    sizes: dict[str, list[str]] = {}
    for one in dict.fromkeys(several):
        sizes.setdefault(one.kind, []).append(f"{one.told_apart:,}")
    return enumerated(
        [kind + (f" ({enumerated(of, 'and')} told apart)" if len(of) > 1 else "") for kind, of in sizes.items()], "and"
    )
