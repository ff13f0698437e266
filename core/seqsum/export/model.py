"""A model that leaves: a folder that answers with PyTorch alone, wherever it is taken.

model.safetensors  the weights        config.json  sizes, vocabulary, scale, labels
load.py            network and reading, made of the source that trained it       README.md  the model card
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, is_dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from seqsum import plugins
from seqsum.config import Config
from seqsum.errors import UserError, told_as
from seqsum.export.card import card
from seqsum.export.source import gathered
from seqsum.export.weights import chosen
from seqsum.files import json_bytes
from seqsum.registry import make_task, model_entry
from seqsum.runs import Run, provenance
from seqsum.runs.record import installed_versions
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from torch import Tensor

    from seqsum.models.base import SequenceModel
    from seqsum.tasks import AnyTask

FILES = ("README.md", "config.json", "load.py", "model.safetensors")
FORMAT = 1
ALONE = "seqsum.export.alone"
OF_THE_TASK = (
    "answer", "vocabulary", "features", "classes", "target_vocabulary", "begin", "end", "longest_answer",
)  # fmt: skip
"""What a network is built from, beside its own settings."""
CLOSE = 1e-6
HEAD = '''"""A model that seqsum trained, with what it needs to answer: PyTorch and safetensors, nothing else.

python load.py "what to ask"            answers with a line of JSON
from load import load; model = load()   model("what to ask"), and model.network, an nn.Module

Made of the source of seqsum {version} (Apache License 2.0) by `seqsum export --format model`.
"""

'''
END = """

def load(folder: str | Path | None = None) -> Model:
    \"\"\"Return the model of a folder: by default of the one that this file lies in.\"\"\"
    return loaded(Path(__file__).parent if folder is None else Path(folder), {build}, {codec})


if __name__ == "__main__":
    sys.exit(answered(load()))
"""


@dataclass(frozen=True, eq=False)
class Trained:
    """A checkpoint's model and task. messages: what was wrong with newer ones."""

    run: Run
    step: int
    config: Config
    task: AnyTask
    model: SequenceModel
    weights: dict[str, Tensor]
    messages: tuple[str, ...] = ()


def trained(run: Run, step: int | None = None) -> Trained:
    """Load the checkpoint of a step, or the newest whole one. Raises UserError where there is none, or it does not fit
    its configuration."""
    import torch

    from seqsum.models.base import make_model

    saved, messages = chosen(run, step)
    source = f"checkpoint of step {saved.step:,} of run {run.id}"
    config = run.record.parsed(saved.state["config"], source)
    try:
        task = make_task(config.task, saved.state.get("data_facts"))
        model = make_model(task, config.model, 0).to(getattr(torch, config.train.dtype))
        model.load_state_dict(saved.model)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        blamed = plugins.blamed(error)
        raise UserError(blamed or f"export: the {source} does not fit its configuration") from None
    made_by = provenance.known_hashes(saved.state.get("plugins"))
    messages = [*messages, *provenance.edited(run.folder, made_by, f"the {source} was made")]
    return Trained(run, saved.step, config, task, model.eval(), saved.model, tuple(messages))


def write_model(run: Run, folder: Path, step: int | None = None, force: bool = False) -> Trained:
    """Write a run's model into a new folder, whole or not at all; return what it was made of.

    force: put it in the place of one that was exported before
    Raises UserError where the folder is there, can't be written, or the model can't leave, with the reason.
    """
    shown = printable(str(folder))
    _check_place(folder, force)
    found = trained(run, step)
    with told_as(f"export: can't write {shown}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".seqsum-", dir=folder.parent) as beside:
            made = Path(beside) / "made"
            made.mkdir()
            for name, content in _contents(found).items():
                (made / name).write_bytes(content)
            _check(found, made)
            if folder.is_dir():
                folder.rename(Path(beside) / "before")
            made.rename(folder)
    return found


def _check_place(folder: Path, force: bool) -> None:
    shown = printable(str(folder))
    there = {one.name for one in folder.iterdir()} if folder.is_dir() and not folder.is_symlink() else None
    if there is None and (folder.exists() or folder.is_symlink()):
        raise UserError(f"export: {shown} is there already, and no folder; choose another name")
    if there and not there <= {*FILES, "__pycache__"}:
        raise UserError(f"export: {shown} is a folder with other files in it; name one that is not there yet")
    if there and not force:
        raise UserError(f"export: {shown} is there already; choose another name, or overwrite it with --force")


def _contents(found: Trained) -> dict[str, bytes]:
    """Return each file's content. Raises UserError where the model can't leave."""
    import safetensors.torch

    task, config = found.task, found.config
    codec = task.codec
    if codec is None or not is_dataclass(codec):
        raise UserError(
            f'export: the task "{task.config.name}" does not say how it is read without seqsum (it has no `codec`), so '
            "that its model can't leave; --format weights gives the weights alone"
        )
    made = model_entry(config.model.name).build
    module, _, name = made.partition(":") if isinstance(made, str) else (made.__module__, "", made.__qualname__)
    build, kind = (module, name), (type(codec).__module__, type(codec).__qualname__)
    try:
        source = gathered([build, kind, (ALONE, "loaded"), (ALONE, "answered")])
    except UserError as error:
        raise UserError(f'export: the model "{config.model.name}" can\'t leave: {error}') from None
    versions = installed_versions()
    facts = {
        "format": FORMAT,
        "run": found.run.id,
        "name": found.run.name,
        "step": found.step,
        "seqsum": versions.get("seqsum-tui", ""),
        "dtype": config.train.dtype,
        "task": {"name": task.config.name, **{name: getattr(task, name) for name in OF_THE_TASK}},
        "model": config.model.model_dump(mode="json"),
        "codec": asdict(codec),
        "quantiles": bool(task.quantiles),
        "interval": getattr(task.config, "interval", None),
    }
    weights = {name: weight.contiguous() for name, weight in found.weights.items()}
    return {
        "README.md": card(found.run, found.step, config, task, found.model).encode(),
        "config.json": json_bytes(facts),
        "load.py": (HEAD.format(version=facts["seqsum"]) + source + END.format(build=name, codec=kind[1])).encode(),
        "model.safetensors": safetensors.torch.save(weights, metadata={"format": "pt"}),
    }


def _check(found: Trained, folder: Path) -> None:
    """Raise UserError where what was written does not answer as the model does."""
    import torch

    from seqsum.models.generation import said

    name = f"seqsum_left_{folder.parent.name.replace('.', '_').replace('-', '_')}"
    spec = spec_from_file_location(name, folder / "load.py")
    assert spec is not None and spec.loader is not None
    module: Any = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
        model = module.load(folder)
        row, task = example(found), found.task
        longest = min(8, task.longest_answer)
        with torch.inference_mode():
            one = said(found.model, task.answer, row, end=task.end, longest=longest)
            other = module.said(model.network, task.answer, row, end=task.end, longest=longest)
        same = torch.allclose(_numbers(one), _numbers(other), rtol=0, atol=CLOSE, equal_nan=True)
    except Exception as error:  # a plug-in's code may raise anything
        reason = one_line(f"{type(error).__name__}: {error}")[:200]
        raise UserError(
            f'export: the model "{found.config.model.name}" can\'t leave: without seqsum it does not work ({reason})'
        ) from None
    finally:
        sys.dont_write_bytecode = before
        del sys.modules[name]
    if not same:
        raise UserError(
            f'export: the model "{found.config.model.name}" can\'t leave: without seqsum it answers something else'
        )


def example(found: Trained, rows: int = 1, length: int = 7) -> Tensor:
    """Return inputs as the network reads them, the same each time: [rows, length(, features)]."""
    import torch

    task, drawn = found.task, torch.Generator().manual_seed(0)
    length = max(length, getattr(task.config, "window", 0))
    if task.features:
        numbers = torch.randn(rows, length, task.features, generator=drawn)
        return numbers.to(next(found.model.parameters()).dtype)
    return torch.randint(0, task.vocabulary, (rows, length), generator=drawn)


def _numbers(answer: Any) -> Tensor:
    import torch

    said = answer.answer if isinstance(answer.answer, list) else [answer.answer]
    return torch.tensor([*said, *answer.probabilities], dtype=torch.float64)
