"""Tasks, models and presets of the user's own; each command in a process of its own, since loading happens once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqsum.models.base import SequenceModel
from seqsum.query.gradients import by_input

TASK = Path(__file__).with_name("example_plugin.py")
MODEL = Path(__file__).with_name("example_model_plugin.py")


@pytest.fixture
def seqsum(tmp_path: Path):
    """Run the command line with its own configuration folder; `plugins` are files to load, or their source."""

    def run(*arguments: str, plugins: tuple[Path | str, ...] = (TASK,)) -> subprocess.CompletedProcess[str]:
        paths = []
        for number, plugin in enumerate(plugins):
            path = plugin if isinstance(plugin, Path) else tmp_path / f"plugin_{number}.py"
            if isinstance(plugin, str):
                path.write_text(plugin)
            paths.append(str(path))
        environment = {
            **os.environ,
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "SEQSUM_WORKSPACE": str(tmp_path / "runs"),
            "SEQSUM_PLUGINS": os.pathsep.join(paths),
        }
        command = [sys.executable, "-P", "-m", "seqsum.cli", *arguments]
        return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)

    return run


def preset(task: str = "sum_modulo", **words: str) -> str:
    facts = {"title": "T", "description": "D", "look_for": "L", **words}
    lines = [f"{name} = {json.dumps(value)}" for name, value in facts.items()]
    return "\n".join([*lines, "[task]", f'name = "{task}"', ""])


def test_the_example_trains_and_answers_like_ours(seqsum) -> None:
    listed = [json.loads(line) for line in seqsum("presets", "--json").stdout.splitlines()]
    (own,) = [item for item in listed if item["name"] == "largest"]
    assert own["title"] == "The largest number" and own["config"]["task"]["numbers"] == 6
    help = " ".join(seqsum("train", "--help", "--all", plugins=(TASK, MODEL)).stdout.split())
    assert "--task.numbers" in help and "numbers run from 0 up to one less" in help and "--model.width" in help
    words = ("--name", "mine", "--task.numbers", "3", "--train.steps", "600", "--optim.lr", "0.02")
    trained = seqsum("train", "largest", *words, "--model.name", "averaging", "--json", plugins=(TASK, MODEL))
    assert trained.returncode == 0, trained.stderr + trained.stdout
    assert json.loads(trained.stdout.splitlines()[-1])["metrics"]["accuracy"] > 0.9
    answer = json.loads(seqsum("predict", "mine", "0 2 1 0", "--json", plugins=(TASK, MODEL)).stdout)
    assert (answer["prediction"], answer["truth"]) == (2, 2)
    wrong = seqsum("predict", "mine", "0 7", plugins=(TASK, MODEL))
    assert wrong.returncode == 2 and wrong.stderr == "input: type numbers from 0 to 2, separated by spaces\n"
    # The run tells where its task came from, and nobody runs that file but who asks for it.
    hint = f"SEQSUM_PLUGINS={MODEL}{os.pathsep}{TASK}"
    without = seqsum("show", "mine", plugins=())
    assert without.returncode == 0 and hint in without.stdout
    refused = seqsum("predict", "mine", "0 2", plugins=())
    assert refused.returncode == 2 and hint in refused.stderr


def test_fields_of_a_plugin_are_judged_like_ours(seqsum) -> None:
    for flag, reason in (("--task.numbers=1", "must be at least 2, got"), ("--task.number=3", 'mean "--task.numbers"')):
        wrong = seqsum("train", "largest", flag)
        assert wrong.returncode == 2 and reason in wrong.stderr, wrong.stderr


BROKEN = {
    "import nothing_of_the_kind": "ModuleNotFoundError: No module named 'nothing_of_the_kind' (line 1)",
    "x = 1\n1 / 0": "ZeroDivisionError: division by zero (line 2)",
    "def (": "SyntaxError",
    "import sys; sys.exit(0)": "SystemExit",
    "print('hello'); raise ValueError('\\x1b[31mred')": "ValueError: \\x1b[31mred",
    TASK.read_text().replace('"largest"', '"sum_modulo"'): 'there is a task "sum_modulo" already',
    TASK.read_text().replace("def batches", "def bunches"): 'task "largest" lacks batches',
    TASK.read_text() + "\nraise RuntimeError('late')": "RuntimeError: late",
    "raise ValueError('two\\n\\n   lines')": "ValueError: two lines",
    TASK.read_text().replace('Literal["largest"]', 'Literal["other"]'): "LargestConfig name Input should be 'other'",
}


@pytest.mark.parametrize(("source", "said"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_plugin_is_left_out_with_one_message(source: str, said: str, seqsum, tmp_path: Path) -> None:
    listed = seqsum("presets", "--json", plugins=(source,))
    names = [json.loads(line)["name"] for line in listed.stdout.splitlines()]
    assert listed.returncode == 0 and "baseline" in names and "largest" not in names
    lines = [line for line in listed.stderr.splitlines() if line != "hello"]
    assert len(lines) == 1 and lines[0].startswith(f"plug-in {tmp_path / 'plugin_0.py'}: left out: ")
    assert said in lines[0] and "\x1b" not in listed.stderr
    assert r"\n" not in lines[0] and "https://" not in lines[0], "a sentence for people"


def test_a_missing_plugin_and_one_that_is_slow(seqsum, tmp_path: Path) -> None:
    torch_at_the_top = MODEL.read_text().replace("from typing", "import torch\nfrom typing", 1)
    listed = seqsum("presets", plugins=(tmp_path / "gone.py", torch_at_the_top))
    assert f"plug-in {tmp_path / 'gone.py'}: there is no such file or folder (SEQSUM_PLUGINS)" in listed.stderr
    assert "imports torch at its top" in listed.stderr


def test_the_users_folder(seqsum, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "seqsum"
    (folder / "plugins").mkdir(parents=True)
    (folder / "presets").mkdir()
    (folder / "plugins" / "mine.py").write_text(TASK.read_text())
    (folder / "presets" / "tiny.toml").write_text(preset("largest", title="Tiny | *so*") + "numbers = 2\n")
    (folder / "presets" / "baseline.toml").write_text(preset(title="not ours"))
    (folder / "presets" / "wrong.toml").write_text(preset() + "modulus = 1000\n")
    (folder / "presets" / "broken.toml").write_text("title = ")
    listed = seqsum("presets", "--json", plugins=())
    presets = {item["name"]: item for item in map(json.loads, listed.stdout.splitlines())}
    assert presets["tiny"]["config"]["task"]["numbers"] == 2
    assert presets["baseline"]["title"] != "not ours", "ours win"
    assert not {"wrong", "broken", "largest"} & presets.keys()
    left_out = {line.split(".toml")[0].rpartition("/")[2]: line for line in listed.stderr.splitlines()}
    assert left_out.keys() == {"baseline", "wrong", "broken"}
    assert 'there is a preset "baseline" already' in left_out["baseline"]
    assert "task.modulus: must be at most 100, got 1000" in left_out["wrong"]
    used = seqsum("train", "wrong", plugins=())
    assert used.returncode == 2 and "task.modulus: must be at most 100" in used.stderr
    table = seqsum("presets", "--markdown", plugins=()).stdout.splitlines()
    (row,) = [line for line in table if line.startswith("| `tiny`")]
    assert row == "| `tiny` | Tiny \\| *so* | `largest` | `recurrent` | `task.numbers` 2 |"
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1, "every row has the same cells"


def test_an_installed_plugin_brings_presets(seqsum, tmp_path: Path) -> None:
    """A package is what its metadata says: a module, an entry point of the group, and TOML files."""
    package, facts = tmp_path / "site" / "tallest", tmp_path / "site" / "tallest-1.dist-info"
    (package / "presets").mkdir(parents=True)
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tallest\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[seqsum.plugins]\ntallest = tallest:register\n")
    (package / "presets" / "tall.toml").write_text(preset("largest", title="Tall"))
    register = "\nfrom pathlib import Path\nfrom seqsum.registry import register_presets\n"
    register += "def register():\n    register_presets(Path(__file__).parent / 'presets')\n"
    (package / "__init__.py").write_text(TASK.read_text() + register)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from seqsum import plugins; from seqsum.presets import preset_names\n"
        "print('tall' in preset_names(), plugins.problems(), plugins.added_tasks(), 'torch' in sys.modules)"
    )
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "SEQSUM_PLUGINS": ""}
    command = [sys.executable, "-c", code, str(tmp_path / "site")]
    out = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert out.stdout == "True [] ['largest'] False\n", out.stderr


def test_gradients_of_a_model_that_does_not_say_how_tokens_enter_it() -> None:
    """Its embedding tells, the same as where it says so; where none reads the tokens, nothing is made up."""

    class Plain(SequenceModel):
        def __init__(self) -> None:
            super().__init__()
            self.positions = torch.nn.Embedding(9, 4)
            self.embedding = torch.nn.Embedding(9, 4)
            self.rnn = torch.nn.GRU(4, 4, batch_first=True)

        def forward(self, inputs, lengths, targets=None):
            places = self.positions(torch.arange(inputs.shape[1]))[None]
            entered = inputs if inputs.is_floating_point() else self.embedding(inputs)
            return self.rnn(entered + places)[0][:, -1]

    class Telling(Plain):
        def enter(self, inputs):
            return inputs if inputs.is_floating_point() else self.embedding(inputs)

    class Bag(SequenceModel):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.EmbeddingBag(9, 4)

        def forward(self, inputs, lengths, targets=None):
            return self.embedding(inputs)

    torch.manual_seed(0)
    plain, telling = Plain().requires_grad_(False), Telling().requires_grad_(False)
    telling.load_state_dict(plain.state_dict())
    row, lengths = torch.tensor([[3, 1, 4, 1]]), torch.tensor([4])
    found = [
        by_input(model, row, lambda inputs, model=model: model(inputs, lengths)[0, 2]) for model in (plain, telling)
    ]
    for one, other in zip(*found, strict=True):
        assert one.shape == (1, 4, 4) and torch.equal(one, other) and bool(one.abs().sum() > 0)
    bag = Bag().requires_grad_(False)
    assert all(part.isnan().all() for part in by_input(bag, row, lambda inputs: bag(inputs, lengths)[0, 2]))
