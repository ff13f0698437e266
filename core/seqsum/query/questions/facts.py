"""What run this is, and what can be asked of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar, Literal

from seqsum.query.question import Answer, Question

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded


class ModelFacts(Answer):
    name: str
    cell: str | None
    """rnn, lstm, gru; null for a network without cells."""
    layers: int | None
    hidden_size: int | None
    bidirectional: bool
    attention: str | None
    parameters: int
    dtype: str
    classes: int


class ColumnFacts(Answer):
    """Which column of a file is meant, as `seqsum.tasks.file_rows.FileColumn` has it."""

    name: str | None
    usual: list[str]
    first: bool
    option: str
    header: Literal["auto", "yes", "no"]
    encoding: str
    table: bool


class FactsAnswer(Answer):
    run: str
    name: str
    task: str
    title: str
    answer: Literal["class", "tags", "sequence", "values"]
    continues: bool
    """Whether an input is a prompt that is gone on from."""
    input_hint: str
    empty: bool
    samples: bool
    labels: list[str] | None
    """What each class is called; null for values, and for more than a thousand classes."""
    checkpoints: list[int]
    """Steps of the checkpoints on the disk, ascending; some may be damaged."""
    model: ModelFacts
    asks: list[str]
    """What this run has an answer to."""
    columns: list[ColumnFacts]
    """Which columns of a file are read: of questions, and of their right answers where the task has them."""
    measured_on_files: bool
    """Whether it can be measured on a file: not where the task makes its questions itself."""


class Facts(Question):
    name: ClassVar = "facts"
    answers: ClassVar = FactsAnswer

    def answer(self, asked: Asked) -> FactsAnswer:
        from seqsum.query.registry import questions
        from seqsum.query.task_facts import goes_on, labels_of, what_is_asked
        from seqsum.tasks.base import Task

        run, task = asked.run, asked.task
        what, columns = what_is_asked(task), (task.question_column, task.truth_column)
        return FactsAnswer(
            run=run.id,
            name=run.name,
            task=task.config.name,
            title=task.title,
            answer=task.answer,
            continues=goes_on(task),
            input_hint=task.input_hint,
            empty=what["empty"],
            samples=what["samples"],
            labels=labels_of(task),
            checkpoints=asked.shelf.steps(),
            model=_model(asked.loaded),
            columns=[ColumnFacts(**asdict(one)) for one in columns if one is not None],
            measured_on_files=type(task).of_file is not Task.of_file,
            asks=[name for name, question in questions().items() if question.unfit(asked.loaded) is None],
        )


def _model(loaded: Loaded) -> ModelFacts:
    config, model = loaded.config.model, loaded.model
    return ModelFacts(
        name=config.name,
        cell=getattr(config, "cell", None),
        layers=getattr(config, "num_layers", None),
        hidden_size=getattr(config, "hidden_size", None),
        bidirectional=bool(getattr(config, "bidirectional", False)),
        attention=getattr(config, "attention", None),
        parameters=sum(weight.numel() for weight in model.parameters()),
        dtype=str(next(model.parameters()).dtype).removeprefix("torch."),
        classes=loaded.task.classes,
    )
