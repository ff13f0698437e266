"""Questions to a model: predict, inspect, sample, evaluate; with the same numbers as the console's Query screen."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from seqsum.cli.output import columns, complain, say, say_json
from seqsum.control import commands
from seqsum.errors import InputError, UserError
from seqsum.formatting import distinct, full, metric, number, percent
from seqsum.query.protocol import HOTTEST, LONGEST_LINE, LONGEST_WRITTEN
from seqsum.runs import Run, Workspace
from seqsum.runs.store import ReadOnlyStore
from seqsum.tasks.sum_modulo import LONGEST
from seqsum.text import printable

if TYPE_CHECKING:
    from seqsum.query.answering import Answerer
    from seqsum.query.loading import Loaded

Options = argparse.Namespace
Ask = Callable[..., tuple["Loaded", dict[str, Any]]]

MOST_MISTAKES = 500
STANDARD_INPUT = "-"


def predict(options: Options) -> int:
    """Ask one input, or each line of standard input."""
    fields = _writing(options)
    ask = _asking(options)

    def one(text: str) -> None:
        loaded, found = ask("predict", input=text, **fields)
        if options.json:
            say_json(found["answer"])
        else:
            say(_predicted(loaded.step, found))

    return _each_input(options, one)


def _writing(options: Options) -> dict[str, Any]:
    """The fields that say how an input is gone on from."""
    verb = options.command
    return {
        "length": _whole(verb, "--length", options.length, 1, LONGEST_WRITTEN),
        "temperature": _temperature(verb, options.temperature),
        "top_k": _whole(verb, "--top-k", options.top_k, 1, 2**32 - 1),
        "seed": _whole(verb, "--seed", options.seed, 0, 2**32 - 1) or 0,
    }


def _predicted(step: int, found: dict[str, Any]) -> str:
    answer, text = found["answer"], found["text"]
    line = f"{text['input']} → {text['prediction']}"
    if answer["correct"] is not None:
        line += "  ✓ right" if answer["correct"] else f"  ✗ wrong, the truth is {text['truth']}"
    notes = [f"checkpoint of step {step:,}"]
    if answer["probabilities"]:
        one_class = found["kind"] == "class"
        chosen = max(answer["probabilities"]) if one_class else min(answer["probabilities"])
        notes.insert(0, f"{'probability' if one_class else 'least sure probability'} {percent(chosen)}")
    return f"{line}  ({'; '.join([', '.join(notes), *answer['remarks']])})"


def inspect(options: Options) -> int:
    """Look inside while one input is read, or each line of standard input."""
    ask = _asking(options)

    def one(text: str) -> None:
        fields = {} if options.target is None else {"target": _target(ask, options.target)}
        loaded, found = ask("inspect", input=text, **fields)
        answer = found["answer"]
        if options.json:
            say_json({"checkpoint_step": loaded.step, "input": text, **answer})
            return
        for line in _inside(answer):
            say(line)
        say(f"checkpoint of step {loaded.step:,}; --json gives states and gates of every unit")

    return _each_input(options, one)


def _target(ask: Ask, label: str) -> int:
    """The place of the class with a label."""
    labels = ask("facts")[1]["answer"]["labels"]
    if labels is None or label not in labels:
        known = "this task's answers are not classes" if labels is None else f"the classes are {', '.join(labels)}"
        raise UserError(f'inspect: no class "{printable(label)}"; {known}')
    place: int = labels.index(label)
    return place


def _inside(answer: dict[str, Any]) -> Iterator[str]:
    verdict = ""
    if answer["correct"] is not None:
        verdict = "  ✓ right" if answer["correct"] else f"  ✗ wrong, the truth is {answer['truth']}"
    yield f"answer {answer['prediction']}{verdict}"
    for layer in answer["layers"]:
        parts = ["hidden", *(["cell"] if layer["cell"] else []), *(f"{name} gate" for name in layer["gates"])]
        units = len(layer["hidden"][0])
        yield f"layer {layer['layer'] + 1} {layer['direction']}: {units} units; {', '.join(parts)}"
    steps = _says_after_steps(answer)
    found = answer["saliency"]
    rows = [["STEP", "TOKEN", "SAYS", "LEFT OUT", "GRADIENT×INPUT", "‖∂LOSS/∂X‖"]]
    for at, token in enumerate(answer["tokens"]):
        left_out = number(found["leave_one_out"][at], signed=True)
        by_gradient, norm = number(found["gradient_input"][at], signed=True), number(answer["gradient_norms"][at])
        rows.append([str(at + 1), str(token), steps[at], left_out, by_gradient, norm])
    yield from columns(rows, right=(0, 3, 4, 5))
    what = "the probability" if answer["probabilities"] and answer["written"] is None else "the log-probability"
    what = "the standardised forecast" if answer["values"] is not None else f"{what} of {found['target']}"
    yield f"left out: by how much {what} falls without that step"


def _says_after_steps(answer: dict[str, Any]) -> list[str]:
    """What the network says after each step, with its probability; nothing for answers that are written afterwards."""
    if answer["values"] is not None:
        return distinct(answer["values"])
    rows = answer["probabilities"]
    if answer["written"] is not None or len(rows) != len(answer["tokens"]):
        return [""] * len(answer["tokens"])
    names = answer["labels"] or [str(place) for place in range(len(rows[0]))]
    likeliest = [max(range(len(row)), key=row.__getitem__) for row in rows]
    return [f"{names[place][:8]} {percent(row[place])}" for place, row in zip(likeliest, rows, strict=True)]


def sample(options: Options) -> int:
    """Have a model write on from a prompt."""
    fields = _writing(options)
    prompt = options.prompt
    if prompt == STANDARD_INPUT:
        prompt = sys.stdin.read(LONGEST_LINE)
    ask = _asking(options)
    loaded, found = ask("sample", input=prompt, **fields)
    answer = found["answer"]
    if options.json:
        say_json({"checkpoint_step": loaded.step, **answer})
    else:
        say(f"{answer['prompt']}{answer['between']}{answer['written']}")
        for remark in answer["remarks"]:
            print(f"({remark})", file=sys.stderr)
    return 0


def evaluate(options: Options) -> int:
    """Measure how good a model is."""
    lengths = _lengths(options.lengths)
    most = _whole("evaluate", "--mistakes", options.mistakes, 1, MOST_MISTAKES)
    answerer = _answerer(options)
    loaded = _loaded(options, answerer, _checkpoint("evaluate", options))
    from seqsum.evaluation.evaluate import evaluate as evaluated

    low, high = lengths or (None, None)
    result = evaluated(loaded.model, loaded.task, low, high)
    asked = {"checkpoint": loaded.step, "low": low, "high": high}
    more: dict[str, Any] = {}
    if options.confusion:
        if result.confusion is None:
            raise UserError("evaluate: --confusion needs single classes for an answer, at most a hundred of them")
        labels = answerer.ask("facts", checkpoint=loaded.step)[1]["answer"]["labels"]
        more |= {"labels": labels, "confusion": result.confusion.tolist()}
    if options.calibration:
        more["calibration"] = answerer.ask("calibration", **asked)[1]["answer"]
    if most is not None:
        more["mistakes"] = answerer.ask("mistakes", **asked, limit=most)[1]["answer"]
    if options.json:
        say_json(
            {
                "run": answerer.run.id,
                "checkpoint_step": loaded.step,
                "accuracy": result.accuracy,
                "loss": result.loss,
                "metrics": result.metrics,
                "sequences": result.sequences,
                "exhaustive": result.exhaustive,
                "asked": result.asked,
                "accuracy_by_length": {str(length): value for length, value in result.accuracy_by_length.items()},
                **more,
            }
        )
        return 0
    scope = f"{'all' if result.exhaustive else 'a fixed set of'} {result.sequences:,} sequences"
    if loaded.task.carries_state:
        scope = f"{result.asked:,} held-out steps, one after another"
    elif len(result.accuracy_by_length) > 1 and loaded.task.lengths_alike:
        scope += ", each length counted alike"
    accuracy = "" if result.accuracy is None else f"accuracy {percent(result.accuracy)} on {scope}, "
    say(f"{accuracy}loss {number(result.loss)}" + ("" if accuracy else f" on {scope}"))
    for name, value in result.metrics.items():
        say(f"{name} {metric(name, value)}")
    say(f"checkpoint of step {loaded.step:,}")
    for length, share in result.accuracy_by_length.items():
        say(f"  length {length:>4}  {percent(share):>7}  {'█' * round(30 * share)}")
    for part in (*_confusion(more), *_calibration(more), *_mistakes(more)):
        say(part)
    return 0


def _confusion(more: dict[str, Any]) -> Iterator[str]:
    if "confusion" not in more:
        return
    labels = [str(label) for label in more["labels"] or range(len(more["confusion"]))]
    rows = [["truth", *labels]]
    rows += [[label, *map(str, row)] for label, row in zip(labels, more["confusion"], strict=True)]
    yield "confusion: how often each truth (down) was answered with each class (across)"
    yield from columns(rows, right=range(len(rows[0])), gap=" ", indent="  ")


def _calibration(more: dict[str, Any]) -> Iterator[str]:
    if "calibration" not in more:
        return
    found = more["calibration"]
    yield f"calibration: expected error {percent(found['expected_error'])} over {found['asked']:,} answers"
    for one in found["bins"]:
        if one["count"]:
            span = f"{percent(one['low'])}–{percent(one['high'])}"
            yield (
                f"  {span:>14}  sure {percent(one['confidence']):>7}  "
                f"right {percent(one['accuracy']):>7}  of {one['count']:,}"
            )


def _mistakes(more: dict[str, Any]) -> Iterator[str]:
    if "mistakes" not in more:
        return
    found = more["mistakes"]
    yield f"mistakes: {found['wrong']:,} of {found['asked']:,}, the surest first"
    for row in found["rows"]:
        yield f"  {row['input']} → {row['prediction']} ({percent(row['probability'])}), the truth is {row['truth']}"


def _each_input(options: Options, one: Callable[[str], None]) -> int:
    """Ask the input of the command line, or every line of standard input; lines that can't be read are told and passed
    over. Returns the exit status."""
    if options.input != STANDARD_INPUT:
        one(options.input)
        return 0
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


def _asking(options: Options) -> Ask:
    """Return what answers with the checkpoint that was named, or the newest; its messages are told once."""
    verb = options.command
    step = _checkpoint(verb, options)
    answerer = _answerer(options)
    loaded = _loaded(options, answerer, step)

    def ask(what: str, **fields: Any) -> tuple[Loaded, dict[str, Any]]:
        return answerer.ask(what, checkpoint=loaded.step, **fields)

    return ask


def _answerer(options: Options) -> Answerer:
    """Get ready to answer; a live run is first asked to save what it knows now, unless a checkpoint is named."""
    run: Run = Workspace(options.workspace).find(options.run)
    if options.checkpoint is None and run.outline().status in ("running", "paused"):
        try:
            commands.snapshot(run)
        except ReadOnlyStore:
            # Another user's: it answers with the newest checkpoint that there is.
            pass
        except UserError:
            # It may have come to its end meanwhile, and then its last checkpoint is the newest there can be.
            if run.summary().live:
                raise
    from seqsum.query.answering import Answerer

    return Answerer(run)


def _loaded(options: Options, answerer: Answerer, step: int | None) -> Loaded:
    loaded = answerer.shelf.take(step)
    if not options.json:
        for message in loaded.messages:
            say(message)
    return loaded


def _checkpoint(verb: str, options: Options) -> int | None:
    return _whole(verb, "--checkpoint", options.checkpoint, 0, 10**12 - 1)


def _lengths(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text.strip())
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high <= LONGEST:
        raise UserError(f'evaluate: --lengths is LOW-HIGH between 1 and {LONGEST}, e.g. 2-100; got "{printable(text)}"')
    return low, high


def _whole(verb: str, flag: str, text: str | None, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
        raise UserError(f'{verb}: {flag} must be a whole number from {low} to {high}, got "{printable(text)}"')
    return int(text)


def _temperature(verb: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= HOTTEST:
        raise UserError(f'{verb}: --temperature must be a number from 0 to {full(HOTTEST)}, got "{printable(text)}"')
    return value
