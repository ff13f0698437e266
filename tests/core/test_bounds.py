"""What is deleted, moved and written stays inside the workspace, whatever names and links a stranger put there."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seqsum
from seqsum.config import Config
from seqsum.control import fork_rewind
from seqsum.errors import UserError
from seqsum.files import read_json, read_regular, write_atomically
from seqsum.runs import Run, Workspace, bin, checkpoint_files
from seqsum.runs.annotations import annotate
from seqsum.runs.bounds import inside, remove
from seqsum.runs.changes import CHANGED_FILE
from seqsum.slots import FOLDER, QUEUE, Slots
from seqsum.training import checkpoint

# Names that a rewind never makes; "canary" stands for the absolute path of what must stay.
FOREIGN_NAMES = [
    "..",
    ".",
    "",
    "/",
    "canary",
    "../canary",
    "x/../..",
    "checkpoints",
    "run.json",
    "rewound-x",
    5,
    None,
    [],
]


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file and link below a folder, with what it holds."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A tree beside the workspace that looks like one of ours, and that nothing may touch."""
    place = tmp_path / "canary"
    for name in ("step-1", "step-2", "old", "rewound-20260101-000000-000000/checkpoints/step-9"):
        (place / name).mkdir(parents=True)
        for file in checkpoint_files.FILES:
            (place / name / file).write_text("canary")
    (place / f"{5:020d}-gone").write_text("canary")
    (place / "notes.txt").write_text("canary\n" * 10_000)
    return place


@pytest.fixture
def untouched(canary: Path) -> Callable[[], bool]:
    before = tree(canary)
    return lambda: tree(canary) == before


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def with_checkpoints(workspace: Workspace, *steps: int) -> Run:
    """A stopped run; its checkpoints are whole for those who only move them."""
    run = workspace.create("baseline", Config())
    for step in steps:
        folder = checkpoint_files.folder_of(run.checkpoints, step)
        folder.mkdir()
        for name in checkpoint_files.FILES:
            content = json.dumps({"step": step, "config": {}, "changes": {}}) if name.endswith(".json") else f"{step}"
            (folder / name).write_text(content)
        sums = {name: checkpoint_files.checksum((folder / name).read_bytes()) for name in checkpoint_files.FILES}
        (folder / checkpoint_files.CHECKSUMS_FILE).write_text(json.dumps(sums))
    with run.store() as store:
        store.append([("loss", step, 1.0) for step in steps])
        store.set_state(status="stopped", step=max(steps))
    return run


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_a_rewind_whose_folder_has_a_foreign_name_is_not_undone(
    workspace: Workspace, canary: Path, untouched: Callable[[], bool], name: Any
) -> None:
    run = with_checkpoints(workspace, 10, 20)
    with run.store() as store:
        store.add_event(20, "rewound", came=30, kept=str(canary) if name == "canary" else name)
    before = {path: data for path, data in tree(workspace.folder).items() if not path.endswith("worker.lock")}
    with pytest.raises(UserError, match=r"^rewind: ") as caught:
        fork_rewind.undo_rewind(run)
    assert "\n" not in str(caught.value)
    after = {path: data for path, data in tree(workspace.folder).items() if not path.endswith("worker.lock")}
    assert after == before and untouched()


def rewound_is_a_link(run: Run, canary: Path) -> Callable[[], object]:
    kept = Path(fork_rewind.rewind(run, 10)["kept"])
    shutil.rmtree(kept)
    kept.symlink_to(canary)
    shutil.copy(run.folder / "metrics.db", canary / "metrics.db")
    return lambda: fork_rewind.undo_rewind(run)


def rewound_checkpoints_are_a_link(run: Run, canary: Path) -> Callable[[], object]:
    kept = Path(fork_rewind.rewind(run, 10)["kept"])
    shutil.rmtree(kept / "checkpoints")
    (kept / "checkpoints").symlink_to(canary)
    return lambda: fork_rewind.undo_rewind(run)


def bin_is_a_link_to_empty(run: Run, canary: Path) -> Callable[[], object]:
    (run.folder.parent / ".bin").symlink_to(canary)
    return lambda: bin.empty(run.folder.parent)


def bin_is_a_link_to_delete_into(run: Run, canary: Path) -> Callable[[], object]:
    (run.folder.parent / ".bin").symlink_to(canary)
    return lambda: bin.delete(run)


def bin_is_a_link_to_restore_from(run: Run, canary: Path) -> Callable[[], object]:
    (run.folder.parent / ".bin").symlink_to(canary)
    return lambda: bin.restore(run.folder.parent, "old")


def deleted_run_is_a_link(run: Run, canary: Path) -> Callable[[], object]:
    (run.folder.parent / ".bin").mkdir()
    (run.folder.parent / ".bin" / "20260101-000000-aaaa").symlink_to(canary)
    return lambda: bin.restore(run.folder.parent, "20260101-000000-aaaa")


def restored_by_a_path(run: Run, canary: Path) -> Callable[[], object]:
    return lambda: bin.restore(run.folder.parent, "../../canary/old")


def run_is_a_link(run: Run, canary: Path) -> Callable[[], object]:
    link = run.folder.parent / "20260101-000000-bbbb"
    link.symlink_to(canary)
    return lambda: bin.delete(Run(link))


def checkpoints_are_a_link(run: Run, canary: Path) -> Callable[[], object]:
    shutil.rmtree(run.checkpoints)
    run.checkpoints.symlink_to(canary)
    return lambda: checkpoint.tidy(run.checkpoints)


@pytest.mark.parametrize(
    "prepare",
    [
        rewound_is_a_link,
        rewound_checkpoints_are_a_link,
        bin_is_a_link_to_empty,
        bin_is_a_link_to_delete_into,
        bin_is_a_link_to_restore_from,
        deleted_run_is_a_link,
        restored_by_a_path,
        run_is_a_link,
        checkpoints_are_a_link,
    ],
    ids=lambda prepare: prepare.__name__,
)
def test_a_link_in_place_of_a_folder_of_ours_is_refused(
    workspace: Workspace, canary: Path, prepare: Callable[[Run, Path], Callable[[], object]]
) -> None:
    run = with_checkpoints(workspace, 10, 20)
    act = prepare(run, canary)
    before = tree(canary)
    with pytest.raises(UserError) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert tree(canary) == before and run.folder.is_dir()


def test_what_goes_by_itself_leaves_linked_folders_and_files_alone(
    workspace: Workspace, canary: Path, untouched: Callable[[], bool]
) -> None:
    run = with_checkpoints(workspace, 1, 2)
    shutil.rmtree(run.checkpoints / "step-1")
    (run.checkpoints / "step-1").symlink_to(canary / "step-1")
    assert checkpoint_files.steps_saved(run.checkpoints) == [2]
    shutil.rmtree(run.checkpoints)
    run.checkpoints.symlink_to(canary)
    checkpoint_files.prune(run.checkpoints, 1, 1, ())
    (workspace.folder / CHANGED_FILE).symlink_to(canary / "notes.txt")
    (run.folder / "annotations.json").symlink_to(canary / "notes.txt")
    annotate(run.folder, note="mine")
    assert read_json(run.folder / "annotations.json") == {"note": "mine"}
    (workspace.folder / FOLDER).mkdir()
    (workspace.folder / FOLDER / QUEUE).symlink_to(canary)
    slots = Slots(workspace.folder, 1)
    assert slots.is_next(f"{9:020d}-{run.id}")
    slots.drop(f"{5:020d}-gone")
    with pytest.raises(OSError):
        slots.draw_ticket(run.id)
    assert untouched()


@pytest.mark.parametrize("name", ["step--1", "step-01", "step-٣", "step-1.5", "step-", "step-1" + "0" * 40, "Step-1"])
def test_only_folders_that_a_checkpoint_makes_are_checkpoints(tmp_path: Path, name: str) -> None:
    for folder in ("step-0", "step-120", name):
        (tmp_path / folder).mkdir()
    assert checkpoint_files.steps_saved(tmp_path) == [0, 120]


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/b", "/etc", "a\0b", None, 3, ["x"]])
def test_a_name_that_leads_elsewhere_is_none(tmp_path: Path, name: Any) -> None:
    with pytest.raises(UserError, match=f"is no name in {tmp_path}"):
        inside(tmp_path, name)
    assert inside(tmp_path, "...") == tmp_path / "..."


def test_a_link_is_deleted_and_not_what_it_leads_to(
    tmp_path: Path, canary: Path, untouched: Callable[[], bool]
) -> None:
    (tmp_path / "link").symlink_to(canary)
    with pytest.raises(OSError):
        remove(tmp_path / "link" / "step-1")
    assert untouched()
    remove(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink() and untouched()
    remove(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        remove(tmp_path / "link", missing_ok=False)


def test_folders_are_deleted_in_one_place_only() -> None:
    source = Path(seqsum.__file__).parent
    callers = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("rmtree", "removedirs"):
                callers.add(str(path.relative_to(source)))
    assert callers == {"runs/bounds.py"}


def test_a_temporary_file_that_somebody_foresaw_is_not_followed(
    tmp_path: Path, canary: Path, untouched: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "00")
    (tmp_path / f".run.json.{os.getpid()}-00.tmp").symlink_to(canary / "notes.txt")
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "run.json", b"{}")
    assert untouched() and not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("what", ["a pipe", "a folder", "a device", "too large", "nothing"])
def test_only_files_are_read_and_only_as_much_as_is_bearable(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "a device":
        path.symlink_to("/dev/zero")
    elif what == "too large":
        path.write_bytes(b"x" * 1001)
    with pytest.raises(OSError) as caught:
        read_regular(path, 1000)
    assert caught.value.strerror


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(os.urandom(size))
    assert read_regular(tmp_path / "file", 1000) == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize(
    "text", ["[" * 100 + "]" * 100, "[" * 200_000, '{"a":' * 80 + "1" + "}" * 80, "", "nul", "\xff"]
)
def test_json_that_nobody_can_work_with_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"\S"):
        read_json(tmp_path / "file")


LITTLE_MEMORY = """
import resource, sys
limit = 6_000_000 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from seqsum.cli import main
status = main(["predict", sys.argv[1], "1 2", "--workspace", sys.argv[2]])
print("compiler" if "torch._dynamo" in sys.modules else "no compiler")
sys.exit(status)
"""


def test_an_answer_needs_little_memory_and_no_compiler(tmp_path: Path) -> None:
    from seqsum.training.trainer import Trainer
    from support.engine import new_run, small

    run = new_run(tmp_path / "runs", small())
    Trainer(small()).save(run.checkpoints, changes={}, train_seconds=0.0)
    command = [sys.executable, "-c", LITTLE_MEMORY, run.id, str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert "checkpoint of step 0" in done.stdout and "no compiler" in done.stdout
