"""A model card (Mitchell et al. 2019, arXiv 1810.03993): what a model does, what it learned from, how good it is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.formatting import count, metric
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.listed import listed
from seqsum.runs.metric_direction import direction_of
from seqsum.schema import as_text
from seqsum.text import is_plain, one_line

if TYPE_CHECKING:
    from seqsum.models.base import SequenceModel
    from seqsum.tasks import AnyTask

MOST_RUNS = 100
ANSWERS = {
    "class": "with one of {classes} classes",
    "tags": "with one of {classes} classes at every step",
    "sequence": "with a sequence that it writes token by token, at most {longest} of them",
    "values": "with numbers",
}
NOT_TOLD = ("loss", "lr", "train_accuracy", "steps_per_second")
"""Measured while training, which says less than what is held out, or says nothing of the model."""
LONGEST_SHOWN = 100  # characters


def card(run: Run, step: int, config: Config, task: AnyTask, model: SequenceModel) -> str:
    """Return the README.md of a model that leaves, as Markdown. What is the author's to say is left to the author."""
    parameters = sum(weight.numel() for weight in model.parameters())
    asked = _question(task)
    answers = ANSWERS[task.answer].format(classes=f"{task.classes:,}", longest=f"{task.longest_answer:,}")
    return "\n".join(
        [
            f"# {_plain(run.name)}",
            "",
            f"{task.title}: it reads {_plain(task.input_hint)}, and answers {answers}.",
            "",
            "```",
            "pip install torch safetensors",
            f"python load.py {shlex.quote(asked)}",
            "```",
            "",
            "```python",
            "from load import load",
            "",
            "model = load()",
            f"model({json.dumps(asked, ensure_ascii=False)})  # {{'prediction': …, 'probabilities': …}}",
            "model.network  # the nn.Module: inputs, lengths → logits",
            "```",
            "",
            "## Model",
            "",
            f"`{config.model.name}`, {count(parameters, 'parameter')}, `{config.train.dtype}`, of step {step:,} of run "
            f"`{run.id}`.",
            "",
            *_table(("setting", "value"), _settings(config.model)),
            "",
            "## Data",
            "",
            *_table(("setting", "value"), _settings(config.task)),
            *([""] if task.notes else []),
            *(f"- {_plain(note)}" for note in task.notes),
            "",
            "What was found in the data and an answer needs (a vocabulary, labels, a scale, a series's last window) "
            "stands in `config.json`.",
            "",
            "## Metrics",
            "",
            *_metrics(run, step),
            "",
            "## Training",
            "",
            "```",
            _command(run, config),
            "```",
            "",
            f"Trained with seqsum {_plain(run.record.versions.get('seqsum-tui', ''))} and PyTorch "
            f"{_plain(run.record.versions.get('torch', ''))}.",
            "",
            "## Intended use",
            "",
            "To answer inputs such as those that it was trained on. (The author may say more here.)",
            "",
            "## Limits",
            "",
            "It was measured on what is held out of the same data alone: how good it is on other data, nobody knows. "
            "An input of another kind or length is answered all the same, and the probabilities do not tell. (The "
            "author may say more here.)",
            "",
            "## Licence",
            "",
            "Not given: it is the author's to choose. `load.py` is made of seqsum's source, which is under the Apache "
            "License 2.0.",
            "",
        ]
    )


def _question(task: AnyTask) -> str:
    """An input that can be shown, where one is at hand; the data may be gone, and a plug-in may raise anything."""
    with suppress(Exception):
        for inputs in task.shown_questions():
            text = task.as_typed(inputs)
            if is_plain(text) and "`" not in text and len(text) <= LONGEST_SHOWN:
                return text
    return "what to ask"


def _settings(section: Any) -> list[tuple[str, str]]:
    """Each setting as it is typed; of a path the last name alone, as the folders are nobody's business."""
    values = {name: getattr(section, name) for name in type(section).model_fields}
    return [(f"`{name}`", _typed(value)) for name, value in values.items()]


def _typed(value: Any) -> str:
    return Path(value).name if isinstance(value, str) and "/" in value else as_text(value)


def _metrics(run: Run, step: int) -> Iterator[str]:
    """This run's metrics up to the checkpoint, and the last ones of the other runs of its group, by seed."""
    with run.store() as store:
        names = store.metrics()
        own = {name: _at(*store.points(name), step) for name in names if _tells(name)}
    columns = [name for name, value in own.items() if value is not None]
    if not columns:
        yield "None were measured up to this step."
        return
    rows = [(str(run.record.seed), f"{step:,}", *(metric(name, own[name]) for name in columns), "this one")]
    group = run.outline().group
    others = [] if group is None else listed(Workspace(run.folder.parent), None)
    for other in [one for one in others if one.group == group and one.id != run.id][:MOST_RUNS]:
        seed = Run(run.folder.parent / other.id).record_or_blank().seed
        values = (metric(name, other.metrics.get(name)) for name in columns)
        rows.append((str(seed), f"{other.step:,}", *values, _plain(other.name)))
    if group is not None:
        yield f"By seed, of the runs of group {_plain(group)}; of the others what they measured last."
        yield ""
    yield from _table(("seed", "step", *(f"`{name}`" for name in columns), "run"), rows)


def _tells(name: str) -> bool:
    return name not in NOT_TOLD and direction_of(name) is not None


def _at(steps: Any, values: Any, step: int) -> float | None:
    there = values[steps <= step]
    return float(there[-1]) if len(there) else None


def _command(run: Run, config: Config) -> str:
    """The command that trains such a run: its preset, and what was set otherwise."""
    preset = run.record.preset
    try:
        usual = load_preset(preset).config
    except UserError:
        return f"# the preset {one_line(preset)} is not here; the settings stand above"
    flags = [
        f"--{path}={_typed(config.value(path))}" for path in config.differences(usual) if not path.startswith("track.")
    ]
    preset = Path(preset).name
    command = " ".join(["seqsum", "train", *map(shlex.quote, [one_line(preset), *map(one_line, flags)])])
    parent = run.record.parent
    return command if parent is None else f"{command}\n# forked from step {parent.get('step')} of another run"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell if cell.startswith('`') else _plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    """Return text from outside so that Markdown shows it as it stands, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", one_line(text))
