"""An input as a model reads it, and what is answered to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from seqsum.errors import UserError
from seqsum.models.base import SequenceModel
from seqsum.models.generation import written
from seqsum.query.loading import Loaded
from seqsum.query.task_facts import MOST_LABELS, labels_of
from seqsum.tasks.base import AnyTask, Inputs, Ints


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What a checkpoint's model reads.

    inputs: as the task read it; row: the same with a batch axis, in the model's type; lengths: int64 [1]
    """

    loaded: Loaded
    inputs: Inputs

    @classmethod
    def typed(cls, loaded: Loaded, text: str) -> ModelInput:
        """Read what a person typed; raises InputError where it can't be read."""
        return cls(loaded, loaded.task.parse(text))

    @property
    def task(self) -> AnyTask:
        return self.loaded.task

    @property
    def model(self) -> SequenceModel:
        return self.loaded.model

    @cached_property
    def row(self) -> Tensor:
        return as_rows(self.model, self.inputs[None])

    @cached_property
    def lengths(self) -> Tensor:
        return torch.tensor([len(self.inputs)])

    @cached_property
    def answer(self) -> Ints:
        """The class, tags or tokens (the end included) that the model answers: int64 [] or [n]. Not for values."""
        with torch.inference_mode():
            if self.task.answer == "sequence":
                tokens = self.model.decode(self.row, self.lengths, self.task.longest_answer)[0]
                return np.array(written(tokens.tolist(), self.task.end), dtype=np.int64)
            answer: Ints = self.model(self.row, self.lengths)[0].argmax(dim=-1).numpy()
            return answer

    @cached_property
    def labels(self) -> list[str] | None:
        return labels_of(self.task)

    @property
    def written_names(self) -> list[str]:
        """What each token of a written sequence is called."""
        names = self.labels or []
        return [names[token] if token < len(names) else str(token) for token in self.answer.tolist()]

    def check_length(self, most: int, what: str) -> None:
        """Raise UserError when the input has more than `most` steps."""
        if len(self.inputs) > most:
            raise UserError(f"{what}: {len(self.inputs):,} steps are too many; type at most {most:,}")

    @cached_property
    def truth_class(self) -> int | None:
        """The place of the right class, where one class is asked and its right answer is known."""
        if self.task.answer != "class" or self.task.classes > MOST_LABELS:
            return None
        truth = self.task.truth(self.inputs)
        if truth is None:
            return None
        for place in range(self.task.classes):
            if self.task.read_answer(self.inputs, np.array(place)) == truth:
                return place
        return None


def as_rows(model: SequenceModel, inputs: Inputs) -> Tensor:
    """Inputs [rows, length(, features)] as a tensor, numbers in the type of the model's weights."""
    rows = torch.from_numpy(np.ascontiguousarray(inputs))
    return rows.to(next(model.parameters()).dtype) if rows.is_floating_point() else rows
