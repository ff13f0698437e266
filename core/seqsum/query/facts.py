"""What run this is, and what can be asked of it."""

from __future__ import annotations

import numpy as np

from seqsum.models.encoder_decoder import EncoderDecoder
from seqsum.query.accuracy_by_length import knows_lengths
from seqsum.query.loading import Loaded
from seqsum.query.protocol import Ask, Facts, ModelFacts
from seqsum.query.question import MOST_LABELS
from seqsum.query.reply_text import what_is_asked
from seqsum.runs import Run
from seqsum.tasks.base import Task
from seqsum.tasks.forecast import Forecast


def facts_of(run: Run, loaded: Loaded, checkpoints: list[int]) -> Facts:
    """Describe a run and its network."""
    task = loaded.task
    asked = what_is_asked(task)
    return {
        "run": run.id,
        "name": run.name,
        "task": task.config.name,
        "title": task.title,
        "answer": task.answer,
        "continues": type(task).continues is not Task.continues,
        "input_hint": task.input_hint,
        "empty": asked["empty"],
        "samples": asked["samples"],
        "labels": _labels(loaded),
        "checkpoints": checkpoints,
        "model": _model(loaded),
        "asks": asks_of(loaded),
    }


def asks_of(loaded: Loaded) -> list[Ask]:
    """What this network and its task have an answer to."""
    task, model = loaded.task, loaded.model
    continues = type(task).continues is not Task.continues
    asks: list[Ask] = ["facts", "predict", "inspect", "gradient_norms", "random_input", "evaluate", "history"]
    if not task.carries_state:
        asks.append("hardest_input")
    if isinstance(model, EncoderDecoder) and model.attending is not None:
        asks.append("attention")
    if loaded.config.model.name != "autoregressive":
        asks.append("trajectory")
    if knows_lengths(loaded):
        asks.append("accuracy_by_length")
    if task.answer != "values" and not task.carries_state:
        asks.append("mistakes")
    if task.answer in ("class", "tags"):
        asks.append("calibration")
    if task.answer == "tags" and continues:
        asks.append("sample")
        if task.classes == task.vocabulary:
            asks.append("loss_per_character")
    if isinstance(task, Forecast):
        asks.append("forecast")
    return asks


def _labels(loaded: Loaded) -> list[str] | None:
    """As `labels_of`, without an input at hand: tasks write a class the same whatever the input."""
    task = loaded.task
    if task.answer == "values" or task.classes > MOST_LABELS:
        return None
    if type(task).class_names is not Task.class_names or task.answer != "class":
        return task.class_names()
    nothing = np.zeros(1, dtype=np.int64)
    return [task.render(task.read_answer(nothing, np.array(place))) for place in range(task.classes)]


def _model(loaded: Loaded) -> ModelFacts:
    config, model = loaded.config.model, loaded.model
    return {
        "name": config.name,
        "cell": getattr(config, "cell", None),
        "layers": getattr(config, "num_layers", None),
        "hidden_size": getattr(config, "hidden_size", None),
        "bidirectional": bool(getattr(config, "bidirectional", False)),
        "attention": getattr(config, "attention", None),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "classes": loaded.task.classes,
    }
