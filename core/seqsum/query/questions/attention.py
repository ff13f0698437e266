"""Where an encoder–decoder looks while it writes its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from seqsum.query.question import LONGEST_INSPECTED, Number, OfInput, TypedAnswer

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded


class AttentionAnswer(TypedAnswer):
    tokens: list[str]
    """[source]"""
    written: list[str]
    """[written], the end written as "⏎"."""
    weights: list[list[Number]]
    """[written][source]; each row sums to 1."""


class Attention(OfInput):
    name: ClassVar = "attention"
    answers: ClassVar = AttentionAnswer

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        if getattr(loaded.model, "attending", None) is not None:
            return None
        return 'attention: only an encoder–decoder with attention has an attention map; see the preset "dates"'

    def answer(self, asked: Asked) -> AttentionAnswer:
        """The weights for the model's own answer, its end included."""
        import torch

        read = asked.read(self.input)
        read.check_length(LONGEST_INSPECTED, "attention")
        with torch.inference_mode():
            # Only an encoder–decoder has it.
            weights = read.model.attention(read.row, read.lengths, torch.from_numpy(read.answer)[None])[0]  # type: ignore[operator]
        return AttentionAnswer(
            tokens=asked.task.input_names(read.inputs), written=read.written_names, weights=weights.double().tolist()
        )
