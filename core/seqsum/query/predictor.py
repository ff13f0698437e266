"""A checkpoint's model, ready to answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.models.base import make_model
from seqsum.query.generation import continued, forecast
from seqsum.registry import make_task
from seqsum.runs import Run
from seqsum.tasks.base import Inputs
from seqsum.training import checkpoint
from seqsum.training.evaluation import Evaluation, evaluate


@dataclass(frozen=True)
class Prediction:
    """What the model says to one input.

    input, prediction, truth: as the task writes them; truth is None when nobody can know it
    correct: whether they are the same, None without a truth
    probabilities: of each class when one class is asked (they sum to 1); of the answer given at each step or token;
    empty for real values
    """

    input: Any
    prediction: Any
    truth: Any
    correct: bool | None
    probabilities: list[float]

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class Predictor:
    """Loads a run's newest whole checkpoint and answers with it; raises UserError when there is none."""

    def __init__(self, run: Run) -> None:
        self.run = run
        saved, self.messages = checkpoint.newest(run.checkpoints)
        if saved is None:
            raise UserError(
                f"predict: run {run.id} has no checkpoint yet; wait for one, or ask for it: seqsum snapshot {run.id}"
            )
        self.step = saved.step
        run.record.parsed_config()  # says which plug-in is missing, if one is
        config = Config.parse(saved.state["config"], "checkpoint")
        torch.set_num_threads(1)
        self.task = make_task(config.task, saved.state.get("data_facts"))
        self.model = make_model(self.task, config.model, 0).to(getattr(torch, config.train.dtype))
        try:
            self.model.load_state_dict(saved.model)
        except RuntimeError:
            raise UserError(
                f"predict: the weights of run {run.id} at step {saved.step} do not fit the model of its configuration"
            ) from None
        self.model.eval()
        self._dtype = getattr(torch, config.train.dtype)

    def predict(
        self, text: str, *, length: int | None = None, temperature: float | None = None, seed: int = 0
    ) -> Prediction:
        """Answer what a person typed; raises UserError where it can't be read.

        length, temperature, seed: for tasks that continue a prompt: how many steps, and how freely tokens are drawn
        (None or 0 takes the likeliest).
        """
        inputs = self.task.parse(text)
        if length is None:
            length = self.task.continues(inputs)
        elif self.task.continues(inputs) is None:
            raise UserError(
                f'predict: the task "{self.task.config.name}" does not continue a prompt; leave --length out'
            )
        with torch.inference_mode():
            answer, probabilities = self._answer(inputs, length, temperature, seed)
        prediction = self.task.read_answer(inputs, answer)
        truth = self.task.truth(inputs) if length is None else self.task.continuation(inputs, length)
        correct = None if truth is None else prediction == truth
        return Prediction(self.task.echo(inputs), prediction, truth, correct, probabilities)

    def _answer(
        self, inputs: Inputs, length: int | None, temperature: float | None, seed: int
    ) -> tuple[Inputs, list[float]]:
        row = torch.from_numpy(inputs).unsqueeze(0)
        row = row.to(self._dtype) if row.is_floating_point() else row
        lengths = torch.tensor([len(inputs)])
        if self.task.answer == "values":
            if length is None:
                return self.model(row, lengths)[0].float().numpy(), []
            return forecast(self.model, row, length)[0], []
        if self.task.answer == "sequence":
            written = self.model.decode(row, lengths, self.task.longest_answer)[0].tolist()
            if self.task.end in written:
                written = written[: written.index(self.task.end) + 1]
            logits = self.model(row, lengths, torch.tensor([written]))[0]
            chosen = torch.softmax(logits.double(), dim=-1)[torch.arange(len(written)), written]
            return np.array(written, dtype=np.int64), chosen.tolist()
        if length is not None:
            return continued(self.model, row, length, temperature, seed)
        probabilities = torch.softmax(self.model(row, lengths)[0].double(), dim=-1)
        answer = probabilities.argmax(dim=-1)
        if self.task.answer == "class":
            return answer.numpy(), probabilities.tolist()
        return answer.numpy(), probabilities.max(dim=-1).values.tolist()

    def evaluate(self, low: int | None = None, high: int | None = None) -> Evaluation:
        """Evaluate on lengths low…high; default: the task's own held-out examples."""
        return evaluate(self.model, self.task, low, high)
