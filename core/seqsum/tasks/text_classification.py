"""Text classification: read a text character by character, say which label it has (document 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from seqsum.errors import UserError, one_line
from seqsum.registry import register_task
from seqsum.schema import setting
from seqsum.tasks.base import (
    Answer,
    Batches,
    DataTask,
    Examples,
    Inputs,
    Ints,
    TaskConfig,
)
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.labelled_lines import LabelledLines, read_lines
from seqsum.tasks.tables import absolute, listed

FIRST, LAST = 32, 126  # printable ASCII; fixed, so that a checkpoint need not keep a vocabulary
UNKNOWN = LAST - FIRST + 1
SPACES = {ord(space): " " for space in "\t\n\r\v\f"}
MOST_ASKED = 2_000  # held-out texts
ASKED_AT_ONCE = 250

Codes = NDArray[np.uint8]


class TextClassificationConfig(TaskConfig):
    """Settings of text classification."""

    name: Literal["text_classification"] = setting("text_classification", "the task: a text; which label has it?")
    file: str | None = setting(
        None,
        "a CSV or JSONL file of texts with labels; off for lines of code and which package of the standard library "
        "each comes from",
    )
    text_column: str | None = setting(None, "the column that holds the texts; off takes `text`, else the first")
    label_column: str | None = setting(None, "the column that holds the labels; off takes `label`, else the last")
    max_length: int = setting(
        80, "how many characters of a text are read; the rest is cut off", ge=1, le=10_000, unit="characters"
    )

    @field_validator("file")
    @classmethod
    def _same_from_every_folder(cls, value: str | None) -> str | None:
        return None if value is None else absolute(value)


@register_task
class TextClassification(DataTask[TextClassificationConfig]):
    """Tokens are printable ASCII characters in their order, then one for all others; white space is a space.

    Held out is every fifth file of the standard library, or the rows that a hash of their text chooses; at most 2,000
    texts of those are asked, evenly spread.
    """

    config_type: ClassVar[type[TaskConfig]] = TextClassificationConfig
    title: ClassVar[str] = "Text classification"
    answer: ClassVar[Answer] = "class"
    vocabulary = UNKNOWN + 1

    def __init__(self, config: TextClassificationConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its labels; the file is then read only when it is asked for."""
        super().__init__(config)
        self._training: tuple[Codes, Ints, Ints] | None = None
        self._asked: list[Examples] = []
        if facts is None:
            lines = self._read()
            facts = {"labels": lines.labels, "fingerprint": lines.fingerprint, "notes": lines.notes}
        # The labels, and the SHA-256 of the texts, their labels and their split.
        self._facts = facts
        self.labels: list[str] = facts["labels"]
        self.classes = len(self.labels)
        kind = "a line of code" if config.file is None else "a text"
        self.input_hint = f"{kind}; the labels are {listed(self.labels)}"

    def steps_per_epoch(self, batch_size: int) -> float:
        codes, _, _ = self._load()
        return len(codes) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        codes, lengths, labels = self._load()
        chosen = EpochBatches(seed, "text_classification/train", len(codes)).indices(first_step, steps, batch_size)
        width = int(lengths[chosen].max(initial=1))
        return Batches(codes[chosen, :width].astype(np.int64), lengths[chosen], labels[chosen])

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield the held-out texts, shortest first, those of nearly one length together; low, high: of which length."""
        self._load()
        yielded = False
        for examples in self._asked:
            wanted = np.ones(len(examples.lengths), dtype=bool)
            if low is not None:
                wanted &= examples.lengths >= low
            if high is not None:
                wanted &= examples.lengths <= high
            if wanted.any():
                yielded = True
                yield Examples(examples.inputs[wanted], examples.lengths[wanted], examples.targets[wanted])
        if not yielded:
            shortest, longest = self._asked[0].lengths.min(), self._asked[-1].lengths.max()
            raise UserError(
                f"lengths: no held-out text is {low or shortest} to {high or longest} characters long; they have "
                f"{shortest} to {longest}"
            )

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """balanced_accuracy: the mean over labels of the share of each one's texts that are right; majority_share: the
        accuracy of always saying the training part's most frequent label."""
        self._load()
        targets = np.concatenate([examples.targets for examples in self._asked])
        answered = np.concatenate([np.asarray(answer) for answer in answers])
        if len(answered) != len(targets):  # only some lengths were asked
            return {}
        recalls = [float((answered[targets == label] == label).mean()) for label in np.unique(targets)]
        return {
            "balanced_accuracy": sum(recalls) / len(recalls),
            "majority_share": float((targets == self._majority).mean()),
        }

    def parse(self, text: str) -> Ints:
        if not text.strip():
            raise UserError(f"input: nothing was typed; type {self.input_hint}")
        codes, lengths = encoded([text], self.config.max_length)
        return codes[0, : lengths[0]].astype(np.int64)

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.labels[int(answer)]

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return list(self.labels)

    def echo(self, inputs: Inputs) -> str:
        return "".join(
            "\N{REPLACEMENT CHARACTER}" if code >= UNKNOWN else chr(FIRST + code) for code in inputs.tolist()
        )

    def render(self, answer: Any) -> str:
        return one_line(str(answer))

    def _read(self) -> LabelledLines:
        return read_lines(self.config.file, self.config.text_column, self.config.label_column)

    def _load(self) -> tuple[Codes, Ints, Ints]:
        """Turn the texts into tokens, once; raises UserError when they are no longer those of the facts."""
        if self._training is None:
            lines = self._read()
            if lines.fingerprint != self._facts["fingerprint"]:
                source = self.config.file or "the standard library"
                raise UserError(
                    f"task.file: the texts of {source} are not what they were when the run began; put the old ones "
                    "back, or start a new run"
                )
            places = {label: place for place, label in enumerate(self.labels)}
            labels = np.array([places[label] for _, label in lines.training], dtype=np.int64)
            self._majority = Counter(labels.tolist()).most_common(1)[0][0]
            count = len(lines.held_out)
            spread = np.unique(np.linspace(0, count - 1, min(count, MOST_ASKED)).astype(np.int64))
            pairs = [lines.held_out[place] for place in spread]
            codes, lengths = encoded([text for text, _ in pairs], self.config.max_length)
            targets = np.array([places[label] for _, label in pairs], dtype=np.int64)
            order = np.argsort(lengths, kind="stable")
            for start in range(0, len(order), ASKED_AT_ONCE):
                rows = order[start : start + ASKED_AT_ONCE]
                width = int(lengths[rows].max())
                self._asked.append(Examples(codes[rows, :width].astype(np.int64), lengths[rows], targets[rows]))
            self._training = (*encoded([text for text, _ in lines.training], self.config.max_length), labels)
        return self._training


def encoded(texts: Sequence[str], max_length: int) -> tuple[Codes, Ints]:
    """Turn texts into tokens, uint8 [texts, longest] filled up with the padding token, and lengths int64 [texts].

    White space around a text is left out; an empty one is read as a single space.
    """
    rows: list[Codes] = []
    for text in texts:
        cut = text.strip()[:max_length].translate(SPACES) or " "
        codes = np.frombuffer(cut.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        known = (codes >= FIRST) & (codes <= LAST)
        rows.append(np.where(known, codes - np.uint32(FIRST), UNKNOWN).astype(np.uint8))
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    filled = np.full((len(rows), int(lengths.max(initial=1))), UNKNOWN + 1, dtype=np.uint8)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return filled, lengths
