"""A model that leaves answers as it does here, in a process that has PyTorch and nothing of ours."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from seqsum.cli import main
from seqsum.export.model import trained
from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.runs import Run, Workspace
from seqsum.training.trainer import Trainer
from support.blocks import FAMILIES, Changes, named

WITHOUT = ("numpy", "pydantic", "seqsum", "tokenizers", "numba", "scipy")
FRIEND = f"""
import importlib.util, json, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WITHOUT}:
            raise ModuleNotFoundError(f"the friend has no {{name}}")

sys.meta_path.insert(0, Nothing())
for line in sys.stdin:
    asked = json.loads(line)
    spec = importlib.util.spec_from_file_location("load", asked["folder"] + "/load.py")
    sys.modules["load"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(json.dumps(module.load()(asked["text"], **asked["more"])), flush=True)
assert not {{*{WITHOUT}}} & sys.modules.keys()
"""
FEW = {
    "character_lm": {"task.bptt": "8", "model.hidden_size": "8", "train.batch_size": "4"},
    "text_classification": {"task.max_length": "30", "task.file": "LABELLED", "model.hidden_size": "8"},
}
LABELLED = "text,label\n" + "".join(f"it's the {n}th naïve text,label {n % 3}\n" for n in range(60))
SERIES = "value,price,promo\n" + "".join(f"{n % 7 + n / 9:.2f},{n % 5},{n % 2}\n" for n in range(120)) + ",,1\n,,0\n"
TEXT = "Ein Mädchen says: it's 2 o'clock,  naïve\n\tdef f(x):  return x² — 日本語 don't 12½ 👩‍💻\n" * 12

QUESTIONS: dict[str, tuple[str, ...]] = {
    "sum_modulo": ("1 2 3 5 1 2 4", "7"),
    "running_sum": ("1 2 3 5 1 2 4",),
    "next_number": ("3 4 5 6",),
    "counting": ("3",),
    "tagging": ("(()", ")"),
    "countdown": ("5",),
    "character_lm": ("def main(", "it's naïve "),
    "dates": ("3 March 2021", "3.3.21"),
    "addition": ("12+7",),
    "forecast": ("10 20 30 40 50", ""),
    "text_classification": ("import asyncio  \t naïve",),
    "pairs": ("4071", "Ω 1"),
    "parity_check": ("0 1 1", "1"),
    "modular_arithmetic": ("1+2*3",),
    "cycle_navigation": ("+ + -",),
    "stack_manipulation": ("0 1 pop", "0 1 pop pop push1"),
    "duplicate_string": ("0110",),
    "odds_first": ("01101",),
    "permutation_product": ("231 213",),
}
KINDS = "parity_check_rnn", "tagging_rnn", "dates", "sunspots_gru"
OTHERS: list[tuple[str, Changes]] = [
    ("adds", {}), ("running_sum", {}), ("next_number_strides_lstm", {}), ("next_number_feed_forward", {}),
    ("counting_lstm", {}), ("counting_rnn3", {}), ("tagging_bidirectional", {}), ("countdown", {}), ("addition", {}),
    ("dates_dot", {}), ("dates_no_attention", {"model.cell": "lstm", "model.beam_width": "3"}), ("pairs", {}),
    ("sunspots_ar", {}), ("sunspots_lstm", {"task.interval": "0.8"}), ("modular_arithmetic_rnn", {}),
    ("cycle_navigation_lstm", {}), ("stack_manipulation_rnn", {}), ("duplicate_string_lstm", {}),
    ("odds_first_rnn", {}), ("permutation_product", {}), ("text_classification", {}),
    ("adds", {"model.token_input": "one_hot", "train.dtype": "float64"}), ("adds", {"model.form": "cells"}),
    ("adds", {"train.dtype": "bfloat16"}), ("adds", {"model.initialisation": "identity"}),
    ("character_lm", {"task.corpus": "TEXT"}),
    ("character_lm", {"task.corpus": "TEXT", "task.tokenizer": "words"}),
    ("character_lm", {"task.corpus": "TEXT", "task.tokenizer": "subwords", "task.vocabulary_size": "300"}),
    ("text_classification", {"task.tokenizer": "subwords", "task.vocabulary_size": "400"}),
    ("text_classification", {"task.tokenizer": "words"}),
    ("sunspots_gru", {"task.file": "SERIES", "task.column": "value", "task.input_columns": "price",
                      "task.known_columns": "promo", "task.window": "5", "task.horizon": "3"}),
]  # fmt: skip
ROWS = "3.5;1;0 4.5;2;1 5;3;0 6.25;4;1 7;0;0 ?;?;1 ?;?;0"
CASES = [(name, {**changes, "model.hidden_size": 8}) for name in KINDS for changes in FAMILIES] + OTHERS


def called(part: object) -> str:
    return named(part) if isinstance(part, dict) else str(part)


def made(folder: Path, preset: str, changes: Changes) -> Run:
    """A run of a preset after a step."""
    files = {"TEXT": TEXT, "SERIES": SERIES, "LABELLED": LABELLED}
    for name, content in files.items():
        (folder / name).write_text(content)
    config = load_preset(preset).config
    more = {"train.epochs": "off", "train.steps": "1", **FEW.get(config.task.name, {}), **changes}
    set_to = {path: str(folder / value) if value in files else str(value) for path, value in more.items()}
    config = config.changed(set_to, "test")
    run, trainer = Workspace(folder / "runs").create(preset, config, preset), Trainer(config)
    trainer.run_chunk([1])
    trainer.save(run.checkpoints)
    return run


def export(run: Run, folder: Path, *more: str) -> int:
    workspace = str(run.folder.parent)
    return main(["export", run.id, "--workspace", workspace, "--format", "model", "--output", str(folder), *more])


class Friend:
    """A process that has PyTorch and safetensors, and nothing else that we use."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", FRIEND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, folder: Path, text: str, **more: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps({"folder": str(folder), "text": text, "more": more}), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def friend() -> Any:
    asked = Friend()
    yield asked
    assert asked.process.stdin is not None
    asked.process.stdin.close()
    assert asked.process.wait() == 0


@pytest.mark.parametrize(("preset", "changes"), CASES, ids=called)
def test_a_model_that_left_answers_the_same(preset: str, changes: Changes, friend: Friend, tmp_path: Path) -> None:
    run = made(tmp_path, preset, changes)
    assert export(run, tmp_path / "model") == 0
    answerer = Answerer(run, seconds=None)
    several = "task.known_columns" in changes
    for text in (ROWS,) if several else QUESTIONS[run.config().task.name]:
        ours = answerer.ask("predict", input=text)[1]["answer"]
        theirs = friend.ask(tmp_path / "model", text)
        assert theirs["prediction"] == ours["prediction"]
        assert theirs["probabilities"] == pytest.approx(ours["probabilities"], abs=1e-6)
        assert theirs.get("interval") == ours["interval"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made(tmp_path_factory.mktemp("runs"), "adds", {})


def test_the_card_tells_what_it_is(run: Run, tmp_path: Path) -> None:
    assert export(run, tmp_path / "model") == 0
    assert {one.name for one in (tmp_path / "model").iterdir()} == {
        "README.md", "config.json", "load.py", "model.safetensors"
    }  # fmt: skip
    told = (tmp_path / "model" / "README.md").read_text()
    for said in ("# adds", "## Data", "`modulus` | 10", "seqsum train adds --train.steps=1", "## Intended use"):
        assert said in told, said
    assert "## Licence\n\nNot given" in told


def test_a_group_is_told_by_seed(tmp_path: Path) -> None:
    runs = [made(tmp_path, "adds", {"train.seed": seed, "track.group": "several"}) for seed in (0, 7)]
    for run, accuracy in zip(runs, (0.25, 0.75), strict=True):
        with run.store() as store:
            store.append([("accuracy", 1, accuracy), ("accuracy", 9, 0.5)])
    assert export(runs[1], tmp_path / "model") == 0
    told = (tmp_path / "model" / "README.md").read_text()
    assert "| 7 | 1 | 75.00% | this one |" in told, "not that of a later step"
    assert re.search(r"\| 0 \| \d+ \| 50.00% \| adds \|", told)


@pytest.mark.parametrize("name", ["-x", "a b", "a\nb", "$(echo x); 'ü\"", "\x1b[31mred", "..hidden"])
def test_folders_with_odd_names(name: str, run: Run, friend: Friend, tmp_path: Path) -> None:
    assert export(run, tmp_path / name) == 0
    assert friend.ask(tmp_path / name, "1 2 3")["prediction"] in range(10)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_run_s_name_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(tmp_path, "adds", {})
    assert main(["rename", run.id, "../..//etc `x`", "--workspace", str(run.folder.parent)]) == 0
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["export", run.id, "--workspace", str(run.folder.parent), "--format", "model"]) == 0
    (folder,) = (tmp_path / "here").iterdir()
    assert folder.name.endswith("-model")
    assert "# ../..//etc \\`x\\`" in (folder / "README.md").read_text()


def test_the_card_names_no_folder_of_who_trained(tmp_path: Path) -> None:
    run = made(tmp_path, "text_classification", {"task.file": "LABELLED"})
    assert export(run, tmp_path / "model") == 0
    told = (tmp_path / "model" / "README.md").read_text()
    assert "--task.file=LABELLED" in told and str(tmp_path) not in told


def test_what_is_there_stays(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, file, link = tmp_path / "mine", tmp_path / "file", tmp_path / "link"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    file.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for path, why in ((mine, "other files in it"), (file, "no folder"), (link, "no folder")):
        assert export(run, path, "--force") == 2
        assert why in capsys.readouterr().err
    assert (mine / "thesis.txt").read_text() == file.read_text() == "mine" and link.is_symlink()
    folder = tmp_path / "model"
    assert export(run, folder) == 0
    (folder / "load.py").write_text("old")
    assert export(run, folder) == 2
    assert "--force" in capsys.readouterr().err and (folder / "load.py").read_text() == "old"
    assert export(run, folder, "--force") == 0
    assert (folder / "load.py").read_text() != "old"
    assert {one.name for one in tmp_path.iterdir()} == {"mine", "file", "link", "model"}


PLUGIN = """
from typing import Literal
import numpy as np
from seqsum.models.settings import ModelConfig
from seqsum.registry import register_model


class OddConfig(ModelConfig):
    name: Literal["odd"] = "odd"


def build(task, config):
    import torch

    from seqsum.models.feed_forward import FeedForwardModel

    class Odd(FeedForwardModel):
        def forward(self, inputs, lengths, targets=None):
            WHAT

    from types import SimpleNamespace

    return Odd(task, SimpleNamespace(embedding_size=4, hidden_size=4, num_layers=1))


register_model(OddConfig, build, {"class"})
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("return super().forward(inputs, lengths)", None),
        ("return super().forward(inputs, lengths) * float(np.float64(2))", "needs numpy"),
        ("return super().forward(inputs, lengths) + task.config.modulus", "without seqsum it does not work"),
    ],
)
def test_a_plug_in_s_model_leaves_where_it_can(what: str, said: str | None, friend: Friend, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(PLUGIN.replace("WHAT", what))
    script = (
        "import sys; from pathlib import Path; from seqsum import plugins; plugins.load();"
        "from test_export_model import made, export;"
        "folder = Path(sys.argv[1]); run = made(folder, 'adds', {'model.name': 'odd'});"
        "sys.exit(export(run, folder / 'out' / 'model'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "SEQSUM_PLUGINS": str(tmp_path / "odd.py"), "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if said is None:
        assert (done.returncode, done.stderr) == (0, "")
        assert friend.ask(tmp_path / "out" / "model", "1 2 3")["prediction"] in range(10)
    else:
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
        assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True


def test_a_task_that_can_not_leave_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made(tmp_path, "memorise_noise", {"task.samples": "4", "task.length": "3", "task.features": "2"})
    assert export(run, tmp_path / "model") == 2
    assert "does not say how it is read without seqsum" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


GRAPHS: list[tuple[str, Changes]] = [
    ("adds", {"model.hidden_size": 8}),
    ("tagging_rnn", {**FAMILIES[0], "model.hidden_size": 8}),
    ("parity_check_rnn", {"model.name": "transformer", "model.num_heads": 2, "model.hidden_size": 8}),
]


def graph_of(run: Run, format: str, path: Path, *more: str) -> int:
    workspace = str(run.folder.parent)
    return main(["export", run.id, "--workspace", workspace, "--format", format, "--output", str(path), *more])


@pytest.mark.parametrize(("preset", "changes"), GRAPHS, ids=called)
def test_a_graph_answers_the_same_at_any_length(preset: str, changes: Changes, tmp_path: Path) -> None:
    run = made(tmp_path, preset, changes)
    model = trained(run).model
    programs = {}
    assert graph_of(run, "torch-export", tmp_path / "a.pt2") == 0
    programs["torch-export"] = torch.export.load(tmp_path / "a.pt2").module()
    if all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")):
        import onnxruntime

        assert graph_of(run, "onnx", tmp_path / "a.onnx") == 0
        session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
        programs["onnx"] = lambda inputs, lengths: torch.from_numpy(
            session.run(None, {"inputs": inputs.numpy(), "lengths": lengths.numpy()})[0]
        )
    for rows, length in ((1, 1), (4, 3), (2, 40)):
        inputs = torch.randint(0, 2, (rows, length), generator=torch.Generator().manual_seed(length))
        lengths = torch.full((rows,), length)
        with torch.inference_mode():
            ours = model(inputs, lengths)
        for name, program in programs.items():
            torch.testing.assert_close(program(inputs, lengths), ours, rtol=1e-5, atol=1e-5, msg=name)


def test_a_graph_takes_no_device_s_place_and_goes_where_a_link_leads(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    link.symlink_to(target)
    target.write_text("mine")
    assert graph_of(run, "torch-export", link) == 2 and "--force" in capsys.readouterr().err
    assert graph_of(run, "torch-export", pipe, "--force") == 2 and "no file" in capsys.readouterr().err
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and target.read_text() == "mine"
    assert graph_of(run, "torch-export", link, "--force") == 0
    assert link.is_symlink() and torch.export.load(target) is not None
    assert {one.name for one in tmp_path.iterdir()} == {"pipe", "link", "target"}


@pytest.mark.parametrize("format", ["torch-export", "onnx"])
@pytest.mark.parametrize(
    ("preset", "said"), [("tagging_bidirectional", "from both ends"), ("dates", "token by token until it ends")]
)
def test_what_is_no_graph_is_refused(
    preset: str, said: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made(tmp_path, preset, {})
    before = sorted(tmp_path.iterdir())
    assert graph_of(run, format, tmp_path / "graph") == 2
    told = capsys.readouterr().err
    assert said in told or "onnx needs" in told
    assert sorted(tmp_path.iterdir()) == before
