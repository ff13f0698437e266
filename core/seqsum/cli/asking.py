"""Questions to a model: predict, inspect, sample, evaluate; with the same numbers as the console's Query screen."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from seqsum.cli import files
from seqsum.cli.output import columns, complain, say, say_json
from seqsum.control import commands
from seqsum.errors import InputError, UserError
from seqsum.formatting import count, metric, number, percent, scope
from seqsum.query.question import Answer, Flag, right_or_wrong
from seqsum.query.questions.by_label import of_confusion
from seqsum.query.registry import LONGEST_LINE, flags_of, questions
from seqsum.query.task_facts import what_is_asked
from seqsum.runs import Run, Workspace
from seqsum.runs.best import step_named
from seqsum.runs.store import ReadOnlyStore
from seqsum.tasks.sum_modulo import LONGEST
from seqsum.text import printable, seen, written_on

if TYPE_CHECKING:
    from seqsum.query.questions.evaluate import EvaluateAnswer
    from seqsum.query.questions.inspect import InspectAnswer
    from seqsum.query.questions.predict import PredictAnswer
    from seqsum.tasks import AnyTask

Options = argparse.Namespace

STANDARD_INPUT = "-"
OF_EVALUATE = {"part", "accuracy", "loss", "metrics", "sequences", "exhaustive", "asked", "accuracy_by_length"}
OF_FILE = OF_EVALUATE | {"file"}
"""What `evaluate --json` gives unless more is asked for."""


class Asking:
    """Asks the checkpoint that was named, or the newest; its messages are told once.

    A live run is first asked to save what it knows now, unless a checkpoint is named.
    """

    def __init__(self, options: Options) -> None:
        verb = options.command
        self.fields = _fields(options, verb)
        """Of the command's own question, what was typed for it."""
        self.heard: Callable[[], None] = lambda: None
        """Called now and then while a question walks over many inputs."""
        if "seed" in self.fields and "temperature" not in self.fields:
            raise UserError(f"{verb}: --seed goes with --temperature: without it the likeliest is taken each time")
        self.refused = False
        """Whether a question that a flag added has no answer."""
        self._beside: dict[str, dict[str, Any]] = {}
        for name, flag in flags_of(verb).items():
            fields = _fields(options, name, flag)
            if getattr(options, _dest(flag.name)):
                self._beside[name] = fields
            elif fields:
                raise UserError(f"{verb}: --{next(iter(fields))} goes with {flag.name}")
        self.run: Run = Workspace(options.workspace).find(options.run)
        step = None if options.checkpoint is None else step_named(self.run, options.checkpoint, verb)
        if step is None and self.run.outline().status in ("running", "paused"):
            try:
                commands.snapshot(self.run, kept=False)
            except ReadOnlyStore:
                # Another user's: it answers with the newest checkpoint that there is.
                pass
            except UserError:
                # It may have come to its end meanwhile, and then its last checkpoint is the newest there can be.
                if self.run.summary().live:
                    raise
        from seqsum.query.answering import Answerer

        self._answerer, self._verb = Answerer(self.run, None, self._hear), verb
        self.loaded = self._answerer.shelf.take(step)
        self.step = self.loaded.step
        self.head = {"checkpoint_step": self.step, "warnings": list(self.loaded.messages)}
        """What every answer begins with in JSON: which checkpoint gives it, and what one should know of that."""
        for message in () if options.json else self.loaded.messages:
            say(message)

    def _hear(self) -> None:
        self.heard()

    def ask(self, **fields: Any) -> Any:
        """Return the answer to the command's own question, with what was typed for it."""
        return self._answer(self._verb, {**fields, **self.fields})

    def beside(self, **fields: Any) -> Iterator[tuple[str, Answer | UserError]]:
        """Yield the answers to the questions that flags add, with their names, each when it is known, or why there is
        none; each is given those of the fields that it has."""
        for name, given in self._beside.items():
            known = questions()[name].model_fields
            try:
                yield (
                    name,
                    self._answer(name, {**{one: value for one, value in fields.items() if one in known}, **given}),
                )
            except UserError as error:
                self.refused = True
                yield name, error

    def _answer(self, name: str, fields: dict[str, Any]) -> Any:
        return self._answerer.answer(questions()[name](checkpoint=self.step, **fields))[1]


def predict(options: Options) -> int:
    """Ask one input, each line of standard input, or each row of a file."""
    files.check_options(options)
    if options.file is not None:
        return files.predict_file(options, Asking)
    asking = Asking(options)

    def one(text: str) -> None:
        answer = asking.ask(input=text, seed=0)
        if options.json:
            say_json({**asking.head, **answer.model_dump()})
        else:
            say(_predicted(asking.step, asking.loaded.task, answer))

    return _each_input(asking, options, one)


def _predicted(step: int, task: AnyTask, answer: PredictAnswer) -> str:
    text = answer.reading.text
    notes = [f"checkpoint of step {step:,}"]
    if answer.probabilities:
        one_class = answer.reading.kind == "class"
        chances = [float("nan") if share is None else share for share in answer.probabilities]
        chosen = percent(max(chances) if one_class else min(chances))
        notes.insert(0, f"{'probability' if one_class else 'least sure probability'} {chosen}")
    if answer.interval is not None:
        within = zip(answer.interval.low, answer.interval.high, strict=True)
        ends = ", ".join(f"{task.render([low])} to {task.render([high])}" for low, high in within)
        notes.insert(0, f"{number(100 * answer.interval.share)}% within {ends}")
    said = "; ".join([", ".join(notes), *answer.remarks])
    return f"{text.input} → {seen(text.prediction)}{right_or_wrong(answer.correct, text.truth)}  ({said})"


def inspect(options: Options) -> int:
    """Look inside while one input is read, or each line of standard input."""
    asking = Asking(options)

    def one(text: str) -> None:
        answer, more = asking.ask(input=text), asking.beside(input=text)
        if options.json:
            say_json({**asking.head, "input": text, **answer.model_dump(), **_plain(more)})
            return
        for line in chain(_inside(answer, asking.loaded.task), _told(more)):
            say(line)
        for remark in answer.remarks:
            say(remark)
        say(f"checkpoint of step {asking.step:,}; --json gives states and gates of every unit")

    return _each_input(asking, options, one)


def _gate_name(name: str) -> str:
    return name if name.startswith("head ") else f"{name} gate"


def _inside(answer: InspectAnswer, task: AnyTask) -> Iterator[str]:
    yield f"answer {seen(answer.prediction)}{right_or_wrong(answer.correct, answer.truth)}"
    for layer in answer.layers:
        parts = ["hidden", *(["cell"] if layer.cell else []), *map(_gate_name, layer.gates)]
        yield f"layer {layer.layer + 1} {layer.direction}: {count(len(layer.hidden[0]), 'unit')}; {', '.join(parts)}"
    steps = _says_after_steps(answer, task)
    found = answer.saliency
    rows = [["STEP", "TOKEN", "SAYS", "LEFT OUT", "GRADIENT×INPUT", "‖∂LOSS/∂X‖"]]
    for at, token in enumerate(answer.tokens):
        left_out = number(found.leave_one_out[at], signed=True)
        by_gradient, norm = number(found.gradient_input[at], signed=True), number(answer.gradient_norms[at])
        rows.append([str(at + 1), token, steps[at], left_out, by_gradient, norm])
    yield from columns(rows, right=(0, 3, 4, 5))
    what = "the probability" if answer.probabilities and answer.written is None else "the log-probability"
    what = "the standardised forecast" if answer.values is not None else f"{what} of {found.target}"
    yield f"left out: by how much {what} falls without that step"


def _says_after_steps(answer: InspectAnswer, task: AnyTask) -> list[str]:
    """What the network says after each step, with its probability; nothing for answers that are written afterwards."""
    if answer.values is not None:
        # As the column is written, with as many digits as tell them apart.
        said = task.render([float("nan") if value is None else value for value in answer.values])
        return said.replace(";", "").split()
    rows = answer.probabilities
    if answer.written is not None or len(rows) != len(answer.tokens):
        return [""] * len(answer.tokens)
    names = answer.labels or [str(place) for place in range(len(rows[0]))]
    likeliest = [max(range(len(row)), key=lambda place: row[place] or 0.0) for row in rows]
    return [f"{names[place][:8]} {percent(row[place])}" for place, row in zip(likeliest, rows, strict=True)]


def sample(options: Options) -> int:
    """Have a model write on from a prompt."""
    prompt = options.prompt
    if prompt == STANDARD_INPUT:
        prompt = sys.stdin.read(LONGEST_LINE)
    asking = Asking(options)
    answer = asking.ask(input=prompt, seed=0)
    if options.json:
        say_json({**asking.head, **answer.model_dump()})
    else:
        say(written_on(answer.prompt, answer.between, answer.written))
        for remark in answer.remarks:
            print(f"({remark})", file=sys.stderr)
    return 0


def evaluate(options: Options) -> int:
    """Measure how good a model is."""
    files.check_options(options)
    low, high = _lengths(options.lengths)
    if options.file is not None and options.part is not None:
        raise UserError("evaluate: --part is of the run's own data; leave it out beside --file")
    asking = Asking(options)
    with files.evaluating(asking, options):
        return _evaluated(asking, options, low, high)


def _evaluated(asking: Asking, options: Options, low: int | None, high: int | None) -> int:
    part = {"part": options.part} if options.part else {}
    if options.file is not None:
        part = {name: getattr(options, name) for name in ("file", "column", "truth_column")}
    answer: EvaluateAnswer = asking.ask(low=low, high=high, **part)
    if options.confusion and answer.confusion is None:
        raise UserError("evaluate: --confusion needs single classes for an answer, at most a hundred of them")
    more = asking.beside(low=low, high=high, **part)  # asked when it is its turn: what is known before is told before
    if options.json:
        shown = OF_EVALUATE if answer.file is None else OF_FILE
        shown = shown | {"labels", "confusion"} if options.confusion else shown
        head = {"run": asking.run.id, **asking.head}
        also = (
            {"test": test.model_dump(include=shown)} if (test := _of_test(asking, answer, options, low, high)) else {}
        )
        told = {} if answer.file is None else {"told": [*_lines(asking, answer, False)]}
        say_json({**head, **answer.model_dump(include=shown), **also, **told, **_plain(more)})
        return 2 if asking.refused else 0
    for line in _lines(asking, answer, options.labels):
        say(line)
    for line in chain(_confusion(answer) if options.confusion else (), _told(more)):
        say(line)
    if test := _of_test(asking, answer, options, low, high):
        say(_measured(test, asking.loaded.task.carries_state))
        for name, value in test.metrics.items():
            say(f"{name} of the test part {metric(name, value)}")
    return 2 if asking.refused else 0


def _lines(asking: Asking, answer: EvaluateAnswer, labels: bool) -> Iterator[str]:
    """Say how good a model is, as people read it; of a file each label, too. labels: whether that is asked besides"""
    yield _measured(answer, asking.loaded.task.carries_state)
    for name, value in answer.metrics.items():
        yield f"{name} {metric(name, value)}"
    if answer.file is not None:
        yield from answer.file.sentences
        if answer.confusion is not None and answer.labels is not None and not labels:
            yield from of_confusion(answer.confusion, answer.labels).told()
    yield f"checkpoint of step {asking.step:,}"
    if answer.file is not None:
        return
    shares = {f"{int(length):,}": share for length, share in answer.accuracy_by_length.items()}
    cells = max([4, *map(len, shares)])
    for length, share in shares.items():
        yield f"  length {length:>{cells}}  {percent(share):>7}  {'█' * round(30 * share)}"


def _of_test(
    asking: Asking, answer: EvaluateAnswer, options: Options, low: int | None, high: int | None
) -> EvaluateAnswer | None:
    """Ask the test part, too, where there is one and nobody said which part is meant."""
    if options.part or options.file is not None or not answer.has_test:
        return None
    found: EvaluateAnswer = asking.ask(low=low, high=high, part="test")
    return found


def _measured(answer: EvaluateAnswer, carries_state: bool) -> str:
    """Say in a line how good a model is, on what."""
    asked = scope(answer.sequences, answer.exhaustive, "sequence", answer.part)
    if carries_state:
        which = f" of the {answer.part} part" if answer.part in ("validation", "test") else ""
        which = " of the file" if answer.part == "file" else which
        step = "step" if which else "held-out step"
        asked = f"{count(answer.asked, step)}{which}, one after another"
    elif answer.lengths_alike:
        asked += ", each length counted alike"
    accuracy = "" if answer.accuracy is None else f"accuracy {percent(answer.accuracy)} on {asked}, "
    return f"{accuracy}loss {number(answer.loss)}" + ("" if accuracy else f" on {asked}")


def _confusion(answer: EvaluateAnswer) -> Iterator[str]:
    counts = answer.confusion or []
    labels = [str(label) for label in answer.labels or range(len(counts))]
    rows = [["truth", *labels]]
    rows += [[label, *map(str, row)] for label, row in zip(labels, counts, strict=True)]
    yield "confusion: how often each truth (down) was answered with each class (across)"
    yield from columns(rows, right=range(len(rows[0])), gap=" ", indent="  ")


def _plain(more: Iterator[tuple[str, Answer | UserError]]) -> dict[str, Any]:
    return {
        name: answer.model_dump() if isinstance(answer, Answer) else {"error": str(answer)} for name, answer in more
    }


def _told(more: Iterator[tuple[str, Answer | UserError]]) -> Iterator[str]:
    for _, answer in more:
        if isinstance(answer, Answer):
            yield from answer.told()
        else:
            complain(answer)


def _each_input(asking: Asking, options: Options, one: Callable[[str], None]) -> int:
    """Ask the input of the command line, or every line of standard input; lines that can't be read are told and passed
    over. Returns the exit status."""
    asked = what_is_asked(asking.loaded.task)
    # A series tells what is missing behind its end by itself.
    if options.input is None and not asked["empty"] and not asked["series"]:
        raise UserError(f"seqsum {options.command}: INPUT is missing; see seqsum {options.command} --help")
    if options.input != STANDARD_INPUT:
        one(options.input or "")
        return 2 if asking.refused else 0
    status = 0
    for line in sys.stdin:
        text = line.rstrip("\r\n")
        try:
            one(text)
        except UserError as error:
            status = 2
            place, end = (error.place, error.end) if isinstance(error, InputError) else (None, None)
            if options.json:
                # In its place among the answers, so that line n answers line n.
                say_json({"input": text, "error": str(error), "place": place, "end": end})
            else:
                complain(error)
    return status


def _lengths(text: str | None) -> tuple[int, int] | tuple[None, None]:
    if text is None:
        return None, None
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text.strip())
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high <= LONGEST:
        raise UserError(f'evaluate: --lengths is LOW-HIGH between 1 and {LONGEST}, e.g. 2-100; got "{printable(text)}"')
    return low, high


def _fields(options: Options, question: str, main: Flag | None = None) -> dict[str, Any]:
    """The fields of a question that were typed. main: the flag that asks it beside the command's own."""
    flags = {name: f"--{name.replace('_', '-')}" for name in questions()[question].metavars()}
    if main is not None and main.field is not None:
        flags[main.field] = main.name
    values = {name: _value(options, question, name, flag) for name, flag in flags.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(options: Options, question: str, name: str, flag: str) -> Any:
    """Read what was typed for a field; raises UserError for what is of the wrong kind or out of bounds."""
    kind, text = questions()[question], getattr(options, _dest(flag))
    if text is None:
        return None
    try:
        return getattr(kind.model_validate_strings({name: text}, strict=False), name)
    except ValidationError:
        raise UserError(f'{options.command}: {flag} must be {kind.expected(name)}, got "{printable(text)}"') from None


def _dest(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")
