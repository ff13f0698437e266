"""Writing on from a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.query.question import Continues, Number, TypedAnswer

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded


class SampleAnswer(TypedAnswer):
    prompt: str
    written: str
    between: str
    """What stands between the two: nothing in a text, a space where they are numbers."""
    tokens: list[str]
    probabilities: list[Number]
    """[tokens]: the probability each had when it was drawn, after temperature and top_k."""
    seed: int


class Sample(Continues):
    name: ClassVar = "sample"
    answers: ClassVar = SampleAnswer
    needs_input: ClassVar = False

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.task_facts import goes_on

        if loaded.task.answer == "tags" and goes_on(loaded.task):
            return None
        return (
            f'sample: the task "{loaded.task.config.name}" does not write on from a prompt; '
            "character_lm and counting do (seqsum train character_lm)"
        )

    def answer(self, asked: Asked) -> SampleAnswer:
        import torch

        from seqsum.models.generation import continued

        task, read = asked.task, asked.read(self.input)
        length = task.continues(read.inputs) if self.length is None else self.length
        seed = asked.seed(self.seed)
        with torch.inference_mode():
            tokens, chances = continued(read.model, read.row, length or 0, self.temperature, seed, self.top_k)
        names, written = task.class_names(), task.read_answer(read.inputs, np.array(tokens))
        return SampleAnswer(
            prompt=task.render(task.echo(read.inputs)),
            written=task.render(written),
            between="" if isinstance(written, str) else " ",
            tokens=[names[token] for token in tokens],
            probabilities=list(chances),
            seed=seed,
        )
