"""Everything that happens inside while one input is read, as the protocol gives it."""

from __future__ import annotations

import torch

from seqsum.errors import UserError
from seqsum.query.gradients import gradient_norms
from seqsum.query.protocol import LONGEST_INSPECTED, MOST_NUMBERS, InspectAnswer, LayerStates
from seqsum.query.question import Question, check_length
from seqsum.query.saliency import saliency
from seqsum.query.states import LayerTrace, states_of
from seqsum.query.stepwise import logits_after_steps


def inspect(question: Question, target: int | None = None) -> InspectAnswer:
    """Look inside; raises UserError for an input, or a network, that is too large to show, and for a wrong target.

    target: place of the class that saliency explains; None explains the answer.
    """
    task, inputs = question.task, question.inputs
    check_length(inputs, LONGEST_INSPECTED, "inspect")
    with torch.inference_mode():
        traces = states_of(question.model, question.row)
        logits = logits_after_steps(question)
    _check_size(traces, 0 if logits is None else logits.numel())
    values: list[float] | None = None
    probabilities: list[list[float]] = []
    if task.answer == "values":
        if logits is not None:
            values = task.read_answer(inputs, logits.float().numpy())
        with torch.inference_mode():
            answer = question.model(question.row, question.lengths)[0].float().numpy()
    else:
        assert logits is not None
        probabilities = torch.softmax(logits.double(), dim=-1).tolist()
        answer = question.answer
    prediction = task.read_answer(inputs, answer)
    truth = None if task.continues(inputs) is not None else task.truth(inputs)
    explained = saliency(question, target)
    names = question.labels
    return {
        "tokens": task.input_names(inputs),
        "labels": names,
        "prediction": task.render(prediction),
        "truth": None if truth is None else task.render(truth),
        "correct": None if truth is None else bool(prediction == truth),
        "probabilities": probabilities,
        "written": written_names(question) if task.answer == "sequence" else None,
        "values": values,
        "layers": [_plain(trace) for trace in traces],
        "saliency": {
            "target": explained.target,
            "gradient_input": explained.gradient_input,
            "leave_one_out": explained.leave_one_out,
        },
        "gradient_norms": gradient_norms(question).tolist(),
    }


def written_names(question: Question) -> list[str]:
    """What each token of a written sequence is called."""
    names = question.labels or []
    return [names[token] if token < len(names) else str(token) for token in question.answer.tolist()]


def _check_size(traces: list[LayerTrace], others: int) -> None:
    numbers = others
    for trace in traces:
        numbers += trace.hidden.numel() * (1 + (trace.cell is not None) + len(trace.gates))
    if numbers > MOST_NUMBERS:
        raise UserError(f"inspect: that would be {numbers:,} numbers, more than {MOST_NUMBERS:,}; type a shorter input")


def _plain(trace: LayerTrace) -> LayerStates:
    return {
        "layer": trace.layer,
        "direction": trace.direction,
        "hidden": trace.hidden[0].double().tolist(),
        "cell": None if trace.cell is None else trace.cell[0].double().tolist(),
        "gates": {name: value[0].double().tolist() for name, value in trace.gates.items()},
    }
