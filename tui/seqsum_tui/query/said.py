"""What a model said to one input, as the query server's reply has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from seqsum.query.questions.predict import PredictAnswer, Reading
from seqsum.text import seen
from seqsum_tui.shared import display


@dataclass(frozen=True)
class Said:
    """An answer, and the step of the checkpoint that gave it."""

    answer: PredictAnswer
    step: int

    @classmethod
    def of(cls, reply: dict[str, Any]) -> Said:
        """Read a reply to `predict`."""
        return cls(PredictAnswer.model_validate({**reply["answer"], "reading": reply}), reply["checkpoint_step"])

    @property
    def reading(self) -> Reading:
        """How it reads."""
        return self.answer.reading

    @property
    def shares(self) -> list[float]:
        """The probabilities; 0 where one overflowed."""
        return [share or 0.0 for share in self.answer.probabilities]

    def text(self, part: Literal["input", "prediction", "truth"]) -> str:
        """Return a part as the task writes it, literally; nothing for a truth that nobody knows."""
        text = getattr(self.reading.text, part)
        return "" if text is None else display.literal(text if part == "input" else seen(text))
