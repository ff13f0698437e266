"""Under which names other programs log what we call loss, held-out loss and accuracy.

What a log calls otherwise keeps its name in charts, tables and files; these names only say which of its curves the list
and the verdict go by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

PARTS = ("val", "valid", "validation", "eval", "test")


def _held_out(*names: str) -> tuple[str, ...]:
    """As Keras, Lightning and Transformers spell them (val_loss, val/loss, eval_loss), and TensorBoard's (loss/val)."""
    return tuple(
        spelled
        for part in PARTS
        for name in names
        for spelled in (f"{part}_{name}", f"{part}/{name}", f"{part}.{name}", f"{name}/{part}", f"{name}_{part}")
    )


USUAL: Mapping[str, tuple[str, ...]] = {
    "loss": (
        "loss", "train_loss", "train/loss", "train.loss", "loss/train", "loss_train", "training_loss", "training/loss",
        "train_loss_epoch", "train_loss_step", "epoch_loss",
    ),
    "eval_loss": _held_out("loss"),
    "accuracy": ("accuracy", "acc", *_held_out("accuracy", "acc"), "epoch_accuracy"),
}  # fmt: skip
"""Our name → theirs, the first that there is counts; capital letters don't. An accuracy of training is none of them:
what a model gets right that it has seen is not what it has learned."""


def usual(name: str, known: Collection[str]) -> str:
    """Return under which of a run's names it has what we call `name`: that itself, where it has it or none of them."""
    if name in known or not known:
        return name
    folded = {other.lower(): other for other in known}
    return next((folded[other] for other in USUAL.get(name, ()) if other in folded), name)
