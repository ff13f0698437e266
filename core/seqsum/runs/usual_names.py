"""Under which names other programs log what we call loss, held-out loss and accuracy.

What a log calls otherwise keeps its name in charts, tables and files; these names only say which of its curves the list
and the verdict go by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache

from seqsum.formatting import MOST_OF_A_SHARE

HELD_OUT = ("val", "valid", "validation", "eval")


def _of(parts: Sequence[str], *names: str) -> tuple[str, ...]:
    """As Keras, Lightning and Transformers spell them (val_loss, val/loss, eval_loss), and TensorBoard's (loss/val)."""
    return tuple(
        spelled
        for part in parts
        for name in names
        for spelled in (f"{part}_{name}", f"{part}/{name}", f"{part}.{name}", f"{name}/{part}", f"{name}_{part}")
    )


USUAL: Mapping[str, tuple[str, ...]] = {
    "loss": (
        "loss", "train_loss", "train/loss", "train.loss", "loss/train", "loss_train", "training_loss", "training/loss",
        "train_loss_epoch", "train_loss_step", "epoch_loss",
    ),
    "eval_loss": _of((*HELD_OUT, "test"), "loss"),
    "accuracy": (
        *_of(HELD_OUT, "accuracy", "acc"), "accuracy", "acc", *_of(("test",), "accuracy", "acc"), "epoch_accuracy",
    ),
}  # fmt: skip
"""Our name → theirs, the first that there is counts; capital letters don't. An accuracy of training is none of them:
what a model gets right that it has seen is not what it has learned. So is a plain one beside one that is held out, as
Keras has them."""


def usual(name: str, known: Collection[str]) -> str:
    """Return under which of a run's names it has what we call `name`: that itself where it has none of them."""
    return _usual(name, tuple(known)) if name in USUAL else name


@lru_cache(maxsize=4096)
def _usual(name: str, known: tuple[str, ...]) -> str:
    if name in known and name != "accuracy":
        return name
    folded = {other.lower(): other for other in reversed(known)}
    folded |= {name: name} if name in known else {}
    return next((folded[other] for other in USUAL[name] if other in folded), name)


def usual_of(name: str, metrics: Mapping[str, float]) -> str:
    """Return what `usual` does of a run's last values: an accuracy that is in percent is none from 0 to 1."""
    if name != "accuracy" or not any(value > MOST_OF_A_SHARE for value in metrics.values()):
        return usual(name, metrics)
    return usual(name, [other for other, value in metrics.items() if not value > MOST_OF_A_SHARE])


@cache
def ours(name: str) -> str:
    """Return what we call a metric that has one of the usual names; its own name for any other."""
    folded = name.lower()
    return next((own for own, theirs in USUAL.items() if folded in theirs), name)
