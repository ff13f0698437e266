"""Everything that happens inside while one input is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from seqsum.errors import UserError
from seqsum.query.question import LONGEST_INSPECTED, Answer, Number, OfInput, TypedAnswer, field
from seqsum.text import printable

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.states import LayerTrace

MOST_NUMBERS = 400_000
"""States, gates and probabilities that one reply may hold."""


class LayerStates(Answer):
    layer: int
    direction: Literal["forward", "backward"]
    hidden: list[list[Number]]
    """[steps][units]: the hidden state after each step; of a network without memory, what the hidden layer gives."""
    cell: list[list[Number]] | None
    """[steps][units]: the cell state of an LSTM and its like."""
    gates: dict[str, list[list[Number]]]
    """name → [steps][units]. LSTM: input, forget, candidate, output. GRU: reset, update, candidate. Blocks: what
    their mixer has. Else {}."""


class Saliency(Answer):
    target: str
    """Which class (or answer) is explained."""
    gradient_input: list[Number]
    """[steps]: Σ over the width of x_t · ∂score/∂x_t. score is the logit of the target class (of tags: of the last
    step's; of a sequence: the log-probability of what was written; of values: the standardised forecast)."""
    leave_one_out: list[Number]
    """[steps]: by how much the target's probability falls when step t is left out (of a sequence: the log-probability;
    of values: the standardised forecast with that value at the mean). Null where nothing would be left."""


class InspectAnswer(TypedAnswer):
    tokens: list[str]
    """[steps]: each step of the input as a person reads it."""
    labels: list[str] | None
    """[classes]; null for values."""
    prediction: str
    truth: str | None
    correct: bool | None
    probabilities: list[list[Number]]
    """[steps][classes]: after every step, as if the input ended there; for a sequence [written][classes], each token
    given those before it; for values: []."""
    written: list[str] | None
    """[written]: the tokens of a sequence; null for the others."""
    values: list[Number] | None
    """[steps]: for values, the forecast after each step, in the data's own units; null for the others."""
    layers: list[LayerStates]
    """From the input on, both directions of a layer after each other; of an encoder–decoder: the encoder's."""
    saliency: Saliency
    gradient_norms: list[Number]
    """[steps]: ‖∂loss/∂x_t‖ with x_t what entered at step t, loss the cross-entropy in nats of the truth when one class
    is asked, else of what was answered (of tags: at the last step); of values ‖∂value/∂x_t‖, standardised."""


class Inspect(OfInput):
    name: ClassVar = "inspect"
    answers: ClassVar = InspectAnswer

    target: int | str | None = field(
        None, "the class that saliency explains, as the task writes it; default: the answer", metavar="LABEL"
    )
    """Its place counts, too."""

    def answer(self, asked: Asked) -> InspectAnswer:
        """Look inside; raises UserError for an input, or a network, that is too large to show, and for no class."""
        import torch

        from seqsum.query.gradients import gradient_norms
        from seqsum.query.saliency import saliency
        from seqsum.query.states import states_of
        from seqsum.query.stepwise import logits_after_steps

        task, read = asked.task, asked.read(self.input)
        read.check_length(LONGEST_INSPECTED, "inspect")
        with torch.inference_mode():
            traces = states_of(read.model, read.row)
            logits = logits_after_steps(read)
        _check_size(traces, 0 if logits is None else logits.numel())
        values: list[Number] | None = None
        probabilities: list[list[Number]] = []
        answer: Any
        if task.answer == "values":
            if logits is not None:
                values = task.read_answer(read.inputs, task.point(logits.float().numpy()))
            with torch.inference_mode():
                answer = task.point(read.model(read.row, read.lengths)[0].float().numpy())
        else:
            assert logits is not None
            probabilities = torch.softmax(logits.double(), dim=-1).tolist()
            answer = read.answer
        prediction = task.read_answer(read.inputs, answer)
        truth = None if task.continues(read.inputs) is not None else task.truth(read.inputs)
        target, by_gradient, left_out = saliency(read, self._place(read.labels))
        return InspectAnswer(
            tokens=task.input_names(read.inputs),
            labels=read.labels,
            prediction=task.render(prediction),
            truth=None if truth is None else task.render(truth),
            correct=None if truth is None else bool(prediction == truth),
            probabilities=probabilities,
            written=read.written_names if task.answer == "sequence" else None,
            values=values,
            layers=[_plain(trace) for trace in traces],
            saliency=Saliency(target=target, gradient_input=list(by_gradient), leave_one_out=left_out),
            gradient_norms=gradient_norms(read).tolist(),
        )

    def _place(self, labels: list[str] | None) -> int | None:
        """The place of the class that is to be explained."""
        if not isinstance(self.target, str):
            return self.target
        if labels is None or self.target not in labels:
            known = "this task's answers are not classes" if labels is None else f"the classes are {', '.join(labels)}"
            raise UserError(f'inspect: no class "{printable(self.target)}"; {known}')
        return labels.index(self.target)


def _check_size(traces: list[LayerTrace], others: int) -> None:
    numbers = others
    for trace in traces:
        numbers += trace.hidden.numel() * (1 + (trace.cell is not None) + len(trace.gates))
    if numbers > MOST_NUMBERS:
        raise UserError(f"inspect: that would be {numbers:,} numbers, more than {MOST_NUMBERS:,}; type a shorter input")


def _plain(trace: LayerTrace) -> LayerStates:
    return LayerStates(
        layer=trace.layer,
        direction=trace.direction,
        hidden=trace.hidden[0].double().tolist(),
        cell=None if trace.cell is None else trace.cell[0].double().tolist(),
        gates={name: value[0].double().tolist() for name, value in trace.gates.items()},
    )
