"""A few fixed questions, asked again at every evaluation: how an answer turns from wrong to right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from seqsum.cells import shorten
from seqsum.evaluation.evaluate import answering
from seqsum.models.base import SequenceModel
from seqsum.tasks.base import AnyTask, Inputs

LONGEST = 60
"""Cells of a question or an answer as it is shown."""


class FixedQuestions:
    """Questions that a task shows, of those whose answer is one class or a sequence; none of other tasks."""

    def __init__(self, model: SequenceModel, task: AnyTask) -> None:
        self._model, self._task = model, task
        shown = task.answer in ("class", "sequence") and task.vocabulary > 0
        self._questions = [one for one in task.shown_questions() if task.continues(one) is None] if shown else []
        if self._questions:
            longest = max(map(len, self._questions))
            rows = [np.pad(one, (0, longest - len(one)), constant_values=task.padding) for one in self._questions]
            self._rows = torch.from_numpy(np.stack(rows).astype(np.int64))
            self._lengths = torch.tensor([len(one) for one in self._questions])

    def answers(self) -> list[dict[str, Any]]:
        """Return for each what was asked, what the model says now, and whether that is right, as a person reads it;
        right is None where the task does not know the right answer.

        Weights and random state stay as they are.
        """
        if not self._questions:
            return []
        device = next(self._model.parameters()).device
        rows, lengths = self._rows.to(device), self._lengths.to(device)
        with answering(self._model):
            if self._task.answer == "sequence":
                said: list[Inputs] = list(self._model.decode(rows, lengths, self._task.longest_answer).cpu().numpy())
            else:
                said = list(self._model(rows, lengths).argmax(dim=-1).cpu().numpy())
        return [self._told(asked, answer) for asked, answer in zip(self._questions, said, strict=True)]

    def _told(self, asked: Inputs, answer: Inputs) -> dict[str, Any]:
        task = self._task
        if task.answer == "sequence" and task.end in answer.tolist():
            answer = answer[: answer.tolist().index(task.end) + 1]
        prediction = task.read_answer(asked, np.asarray(answer, dtype=np.int64))
        truth = task.truth(asked)
        right = None if truth is None else prediction == truth
        asked_words, said = (shorten(text, LONGEST) for text in (task.as_question(asked), task.render(prediction)))
        return {"asked": asked_words, "said": said, "right": right}
