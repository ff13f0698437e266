"""Whatever is wrong with a task or a model of a person's own is said in one sentence, with file, line and function."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TASK = Path(__file__).with_name("example_plugin.py").read_text()
MODEL = Path(__file__).with_name("example_model_plugin.py").read_text()

BATCH = "return Batches(tokens, np.full(shape[:2], self.config.length), tokens.max(axis=2))"
HELD_OUT = "yield Examples(tokens, np.full(500, self.config.length), tokens.max(axis=1))"
CLASSES = "self.vocabulary = self.classes = config.numbers"
FORWARD = "return self.head(self.embedding(inputs))"


@dataclass(frozen=True)
class Fault:
    """old → new: what is changed in the example; said: what the sentence says; where: the function it names."""

    old: str
    new: str
    said: str
    where: str = "batches"


def batch(inputs: str = "tokens", lengths: str = "np.full(shape[:2], self.config.length)",
          targets: str = "tokens.max(axis=2)") -> str:  # fmt: skip
    return f"return Batches({inputs}, {lengths}, {targets})"


# ruff: noqa: E501 - a fault a line is what can be read
TASK_FAULTS = {
    "tokens of another type": Fault(BATCH, batch("tokens * 1.0"), "inputs are float64; tokens (vocabulary = 6) have to"),
    "no axis of steps": Fault(BATCH, batch("tokens[0]"), "they have to be [steps, batch, length], here [2, 32, length]"),
    "a token too many": Fault(BATCH, batch("tokens + 1"), "inputs hold the token 6; tokens run from 0 to 5"),
    "a negative token": Fault(BATCH, batch("tokens - 1"), "inputs hold the token -1; tokens run from 0 to 5"),
    "lengths of 0": Fault(BATCH, batch(lengths="np.zeros(shape[:2], dtype=np.int64)"), "lengths hold 0; a row has 1 to 4"),
    "lengths beyond": Fault(BATCH, batch(lengths="np.full(shape[:2], 5)"), "lengths hold 5; a row has 1 to 4 steps"),
    "one length for all": Fault(BATCH, batch(lengths="np.full(steps, 4)"), "lengths are [2]; they have to be [steps, batch]"),
    "targets out of range": Fault(BATCH, batch(targets="tokens.sum(axis=2)"), "classes run from 0 to 5 (classes = 6)"),
    "targets of a step each": Fault(BATCH, batch(targets="tokens"), "targets are [2, 32, 4]; they have to be [steps, batch]"),
    "targets of another type": Fault(BATCH, batch(targets="tokens.max(axis=2).astype(np.int32)"), "targets are int32"),
    "a tuple": Fault(BATCH, "return tokens, tokens, tokens", "returned a tuple; it has to be Batches(inputs, lengths"),
    "nothing": Fault(BATCH, "pass", "returned nothing (None); it has to be Batches(inputs, lengths, targets)"),
    "a list": Fault(BATCH, batch("tokens.tolist()"), "inputs are a list; they have to be a NumPy array"),
    "a batch of its own size": Fault(BATCH, batch("tokens[:, :7]"), "inputs are [2, 7, 4]; they have to be [steps, batch, length]"),
    "other numbers each time": Fault(
        "words = StepStream(", "words = StepStream(id(object()) + np.random.randint(2**31) + 0 * ", "seed and step alone"
    ),
    "raising": Fault(BATCH, "1 / 0", "ZeroDivisionError: division by zero"),
    "a name that is not there": Fault(BATCH, "return nothing_of_the_kind", "NameError: name 'nothing_of_the_kind'"),
    "an index out of range": Fault(BATCH, "return tokens[99]", "IndexError: index 99 is out of bounds"),
    "no example": Fault(HELD_OUT, "return; yield", "yielded no example", "held_out"),
    "no end": Fault(HELD_OUT, f"while True: {HELD_OUT}", "has not come to its end", "held_out"),
    "no generator": Fault(HELD_OUT, "return 3", "returned a int; it yields Examples", "held_out"),
    "held-out targets out of range": Fault(
        HELD_OUT, HELD_OUT.replace("max", "sum"), "classes run from 0 to 5 (classes = 6)", "held_out"
    ),
    "weights of NaN": Fault(
        HELD_OUT, HELD_OUT.replace("axis=1))", "axis=1), weights=np.full(500, np.nan))"), "weights have to", "held_out"
    ),
    "no vocabulary": Fault(CLASSES, "self.classes = config.numbers", "both are 0, vocabulary and features", "__init__"),
    "no classes": Fault(CLASSES, "self.vocabulary = config.numbers", "classes is missing; it is a whole", "__init__"),
    "classes of text": Fault(CLASSES, f"{CLASSES}; self.classes = '6'", "classes is '6'; it is a whole", "__init__"),
    "no hint": Fault("self.input_hint =", "hint =", "input_hint is missing; it is a text", "__init__"),
    "raising when made": Fault(CLASSES, f"{CLASSES}; [][1]", "IndexError: list index out of range", "__init__"),
    "truth that raises": Fault("return int(inputs.max())", "return int(inputs.maximum())", "AttributeError", "truth"),
}  # fmt: skip

MODEL_FAULTS = {
    "logits of another shape": Fault(FORWARD, f"{FORWARD}[:, :3]", "returned logits [4, 3]; for a task of answer class",
                                     "forward"),
    "no tensor": Fault(FORWARD, f"{FORWARD}.tolist()", "it returned a list; it has to return the logits", "forward"),
    "nothing": Fault(FORWARD, "pass", "it returned a NoneType; it has to return the logits", "forward"),
    "detached": Fault(FORWARD, f"{FORWARD}.detach()", "can't be differentiated", "forward"),
    "chosen": Fault(FORWARD, f"return torch.nn.functional.one_hot({FORWARD[7:]}.argmax(1), task.classes)",
                    "returned logits of torch.int64", "forward"),
    "NaN": Fault(FORWARD, f"{FORWARD} * float('nan')", "NaN or infinite, before anything was trained", "forward"),
    "a shape that does not fit": Fault("(config.width, task.classes)", "(config.width + 1, task.classes)",
                                       "RuntimeError: mat1 and mat2 shapes cannot be multiplied", "forward"),
    "raising when built": Fault("return Averaging()", "return Averaging(3)", "TypeError", "build"),
    "no model": Fault("return Averaging()", "return torch.nn.Linear(2, 2)", "it returned a Linear; it has to be a", "build"),
    "no return": Fault("return Averaging()", "Averaging()", "it returned nothing; it has to be a SequenceModel", "build"),
    "a module that is not there": Fault("import torch  #", "import torch, torchy  #", "ModuleNotFoundError", "build"),
}  # fmt: skip
MODEL_FAULTS["no parameters"] = Fault(
    "self.embedding = torch.nn.EmbeddingBag(task.vocabulary + 1, config.width, padding_idx=task.vocabulary)\n"
    "            self.head = torch.nn.Linear(config.width, task.classes)",
    "self.layers = [torch.nn.Linear(config.width, task.classes)]",
    "it has no parameters to train; layers and torch.nn.Parameter have to be attributes of self",
    "__init__",
)

ASK = """
import contextlib, io, json, sys
from seqsum.cli import main
said = {}
for name in json.loads(sys.argv[1]):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = main(["train", name, "--train.batch_size", "32", "--train.steps", "20"])
    said[name] = status, errors.getvalue().splitlines()[-1:], out.getvalue()
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.training.trainer import Trainer
from seqsum import plugins
for name in json.loads(sys.argv[2]):
    try:
        with plugins.told():
            Trainer(Config().changed({"model.name": name}, "test"))
        said[name] = 0, [""], ""
    except UserError as error:
        said[name] = 2, [str(error)], ""
print(json.dumps(said))
"""


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SEQSUM_WORKSPACE": str(folder / "runs"),
        "SEQSUM_PLUGINS": str(folder / "plugins"),
    }


def seqsum(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "seqsum.cli", *words]
    return subprocess.run(command, env=environment(folder), capture_output=True, text=True, timeout=120, check=False)


def name_of(kind: str, fault: str) -> str:
    return f"{kind}_{re.sub('[^a-z]+', '_', fault.lower())}"


def broken(source: str, own: str, name: str, fault: Fault) -> str:
    assert source.count(fault.old) >= 1, f"the example has changed: {fault.old}"
    return source.replace(fault.old, fault.new).replace(f'"{own}"', f'"{name}"')


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of each broken plug-in: exit status, the last line of errors, and the output; all in one process."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "plugins").mkdir()
    names: dict[str, list[str]] = {"task": [], "model": []}
    for kind, source, own, faults in (
        ("task", TASK, "largest", TASK_FAULTS),
        ("model", MODEL, "averaging", MODEL_FAULTS),
    ):
        for what, fault in faults.items():
            name = name_of(kind, what)
            names[kind].append(name)
            (folder / "plugins" / f"{name}.py").write_text(broken(source, own, name, fault))
    command = [sys.executable, "-P", "-c", ASK, json.dumps(names["task"]), json.dumps(names["model"])]
    done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    assert not list((folder / "runs").glob("2*")), "no run is made that can't train"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "folder": str(folder / "plugins")}


def check(said: dict[str, Any], kind: str, what: str, fault: Fault) -> None:
    name = name_of(kind, what)
    status, (line,), out = said[name]
    assert (status, out) == (2, ""), line
    assert fault.said in line and "Traceback" not in line
    place = re.match(rf"plug-in (.*/{name}\.py), line (\d+) \((?:\w+\.)?{fault.where}\): ", line)
    assert place is not None, line
    # The line is one of the function that is named, or the one that it begins with.
    (function,) = (
        node
        for node in ast.walk(ast.parse(Path(place[1]).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == fault.where
    )
    assert function.lineno <= int(place[2]) <= (function.end_lineno or 0), line


@pytest.mark.parametrize("what", TASK_FAULTS)
def test_a_broken_task_is_told_before_anything_is_started(what: str, said: dict[str, Any]) -> None:
    check(said, "task", what, TASK_FAULTS[what])


@pytest.mark.parametrize("what", MODEL_FAULTS)
def test_a_broken_model_is_told_before_its_first_step(what: str, said: dict[str, Any]) -> None:
    check(said, "model", what, MODEL_FAULTS[what])


LATE = {
    "a task that raises later": (TASK.replace(BATCH, f"first_step > 40 and 1 / 0\n        {BATCH}"), "batches", ()),
    "an evaluation that raises": (
        TASK.replace(
            "    def parse", "    def held_out_metrics(self, answers):\n        return {}['x']\n\n    def parse"
        ),
        "held_out_metrics",
        (),
    ),
    "a model": (MODEL.replace(FORWARD, f"{FORWARD}[:, :3]"), "forward", ("--model.name", "averaging")),
}


@pytest.mark.parametrize("what", LATE)
def test_what_goes_wrong_in_a_worker_ends_the_run_with_one_sentence(what: str, tmp_path: Path) -> None:
    source, where, words = LATE[what]
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(source)
    preset = "adds" if words else "largest"
    train = ["train", preset, "--train.steps", "100", "--train.checkpoint_every", "20", "--name", "a", *words]
    done = seqsum(tmp_path, *train)
    sentence = rf"plug-in {tmp_path}/plugins/mine\.py, line \d+ \(\w+\.{where}\): "
    assert done.returncode == 1 and re.search(sentence, done.stdout), done.stderr + done.stdout
    shown = seqsum(tmp_path, "show", "a").stdout
    assert re.search(sentence, shown) and "Traceback" not in shown + done.stdout + done.stderr


def test_asking_and_a_plugin_that_raises(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    plugin = tmp_path / "plugins" / "mine.py"
    plugin.write_text(TASK)
    train = ["train", "largest", "--train.steps", "20", "--name", "a"]
    assert seqsum(tmp_path, *train).returncode == 0
    plugin.write_text(TASK.replace("words = text.split()", "words = text.splitt()"))
    done = seqsum(tmp_path, "predict", "a", "1 2")
    line = TASK.splitlines().index("        words = text.split()") + 1
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"plug-in {plugin}, line {line} (Largest.parse): AttributeError: 'str' object has no" in done.stderr
    # One that can't be loaded is there already: to name it once more would not help.
    plugin.write_text("raise ValueError('no')\n" + TASK)
    asked = seqsum(tmp_path, "predict", "a", "1 2")
    assert asked.returncode == 2 and f"the plug-in {plugin}, which does not work here" in asked.stderr
    assert "SEQSUM_PLUGINS=" not in asked.stderr and f"plug-in {plugin}: left out: ValueError: no" in asked.stderr
    # Without the plug-in the run is there, and says what it lacks.
    elsewhere = plugin.rename(tmp_path / "mine.py")
    missing = (
        f"it comes from a plug-in whose file {plugin} is gone: copy it back from "
        f"source/{plugin.stem}-….py.txt in the run's folder, and set "
        f"SEQSUM_PLUGINS={plugin}"
    )
    listed = seqsum(tmp_path, "runs")
    assert listed.returncode == 0 and " a " in listed.stdout
    assert missing in seqsum(tmp_path, "show", "a").stdout
    compared = seqsum(tmp_path, "compare", "a", "a")
    assert compared.returncode == 0
    asked = seqsum(tmp_path, "predict", "a", "1 2")
    assert asked.returncode == 2 and missing in asked.stderr and len(asked.stderr.splitlines()) == 1
    for words in (
        ["fork", "a", "--train.steps", "40"],
        ["rerun", "a"],
        ["evaluate", "a"],
        ["inspect", "a", "1 2"],
        ["export", "a", "--format", "model", "--output", str(tmp_path / "model")],
        ["export", "a", "--format", "torch-export", "--output", str(tmp_path / "a.pt2")],
        ["predict", "a", "1 2", "--checkpoint", "20"],
    ):
        done = seqsum(tmp_path, *words)
        said = done.stderr.splitlines()
        assert done.returncode == 2 and missing in said[-1] and len(said) == 1, (words, done.stderr)
    # What it says can be done does help.
    (kept,) = next((tmp_path / "runs").glob("*-*")).glob("source/*.py.txt")
    assert kept.read_text() == TASK and elsewhere.read_text() != TASK
    plugin.write_bytes(kept.read_bytes())
    assert "2" in seqsum(tmp_path, "predict", "a", "1 2").stdout
