"""Where a run comes from: what stands in its record and beside it, whatever git is, and that nothing waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqsum.runs import Run, Workspace
from seqsum.runs.git import MOST_DIFF, Git, commit_of, root_of
from seqsum.runs.provenance import repositories
from support.engine import wait_until
from support.fake_swanlab_server import KEY

PLUGIN = Path(__file__).with_name("example_plugin.py")


def git(folder: Path, *arguments: str) -> str:
    """Run the real program, without any settings of this machine."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x@example.org", "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.org",
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("lr = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def seqsum(folder: Path, tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    whole = {
        **os.environ,
        "SEQSUM_WORKSPACE": str(tmp_path / "runs"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "SEQSUM_PLUGINS": "",
        **environment,
    }
    command = [sys.executable, "-P", "-m", "seqsum.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=whole, capture_output=True, text=True, timeout=120, check=False)


def only_run(tmp_path: Path) -> Run:
    (run,) = Workspace(tmp_path / "runs").runs()
    return run


# Git


def test_the_commit_is_read_from_the_files_as_git_reads_it(repository: Path, tmp_path: Path) -> None:
    assert root_of(tmp_path) is None
    (repository / "deep" / "er").mkdir(parents=True)
    assert root_of(repository / "deep" / "er") == repository
    head = git(repository, "rev-parse", "HEAD")
    assert commit_of(repository) == head
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists() and commit_of(repository) == head
    git(repository, "checkout", "-q", "--detach")
    assert commit_of(repository) == head
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "second")
    assert commit_of(root_of(tmp_path / "other")) == git(tmp_path / "other", "rev-parse", "HEAD") != head
    git(repository, "checkout", "-q", "--orphan", "empty")
    assert commit_of(repository) is None


def test_the_changes_are_those_that_git_applies(repository: Path, tmp_path: Path) -> None:
    assert Git(repository).changes().diff == ""
    (repository / "train.py").write_text("lr = 2\nbatch = 3\n")
    (repository / ".env").write_text("SECRET=1")
    git(repository, "add", ".env")
    found = Git(repository).changes()
    assert (found.cut, found.hidden, found.why) == (False, 0, "") and ".env" not in found.diff
    git(tmp_path, "clone", "-q", str(repository), "clone")
    (tmp_path / "changes.diff").write_text(found.diff)
    git(tmp_path / "clone", "apply", str(tmp_path / "changes.diff"))
    assert (tmp_path / "clone" / "train.py").read_text() == "lr = 2\nbatch = 3\n"


def test_long_changes_are_cut_at_a_line(repository: Path) -> None:
    (repository / "train.py").write_text("".join(f"line {number}\n" for number in range(200_000)))
    found = Git(repository).changes()
    assert found.cut and len(found.diff) <= MOST_DIFF and found.diff.endswith("\n")


def test_no_program_of_a_repository_is_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/sprung\ncat\n')
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv", "diff.x.command", "filter.x.clean",
                 "filter.x.smudge", "filter.x.process", "core.sshCommand", "core.editor"):  # fmt: skip
        git(repository, "config", name, str(trap))
    git(repository, "config", "filter.x.required", "true")
    (repository / ".gitattributes").write_text("*.py diff=x filter=x\n")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction"):
        (hooks / hook).write_text(trap.read_text())
        (hooks / hook).chmod(0o755)
    (repository / "train.py").write_text("lr = 3\n")
    found = Git(repository).changes()
    assert "+lr = 3" in found.diff and not (tmp_path / "sprung").exists()
    # The trap is one: git itself, without our care, steps into it.
    subprocess.run(["git", "diff", "HEAD"], cwd=repository, capture_output=True, check=False)
    assert (tmp_path / "sprung").exists()


def slow_git(tmp_path: Path) -> str:
    """Return a PATH with a git that never answers, and leaves a child behind."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\nsleep 300 &\nwait\n")
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_git_that_never_answers_is_ended_with_what_it_started(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", slow_git(tmp_path))
    began = time.monotonic()
    assert Git(repository, seconds=0.3).changes().why == "git took too long"
    assert time.monotonic() - began < 5
    monkeypatch.setenv("PATH", "")
    assert Git(repository).changes().why == "there is no git to ask"


# A run


def test_a_start_is_told_in_record_show_and_json(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text(f'lr = 2\napi_key = "{KEY}"\n')
    words = ("train", "adds", "--train.steps", "20", "--name", "mine", "--track.description", f"?token={KEY}")
    done = seqsum(repository, tmp_path, *words, SWANLAB_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    record, head = run.record, git(repository, "rev-parse", "HEAD")
    assert record.command.startswith("seqsum train adds --train.steps 20 --name mine ")
    assert (record.directory, record.git_commit) == (str(repository), head)
    assert {"python", "torch", "numpy", "numba", "seqsum-tui"} <= record.versions.keys()
    assert record.machine["cores"] == os.cpu_count() and record.machine["cpu"]
    (told,) = repositories(run.folder)
    assert (told["folder"], told["commit"], told["dirty"], told["hidden_lines"]) == (str(repository), head, True, 1)
    assert "+lr = 2" in (run.folder / told["diff"]).read_text()
    # What was given as a setting is a setting, and stands in its record; what tells of the start holds no key.
    assert KEY not in record.command and KEY.encode() not in (run.folder / told["diff"]).read_bytes()
    shown = seqsum(tmp_path, tmp_path, "show", "mine").stdout
    assert f"typed {record.command}" in shown and f"commit {head[:12]} of {repository}, changed since: " in shown
    plain = json.loads(seqsum(tmp_path, tmp_path, "show", "mine", "--json").stdout)
    assert plain["command"] == record.command and plain["repositories"] == [told]


@pytest.mark.parametrize("kind", ["none", "missing", "slow", "broken"])
def test_no_git_keeps_a_run_from_its_start(kind: str, repository: Path, tmp_path: Path) -> None:
    path = {"missing": "", "slow": slow_git(tmp_path)}.get(kind, os.environ["PATH"])
    if kind == "broken":
        (repository / ".git" / "HEAD").write_bytes(b"\xff\0")
    folder = tmp_path if kind == "none" else repository
    done = seqsum(folder, tmp_path, "train", "adds", "--train.steps", "1", "--detach", PATH=path)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    wait_until(lambda: not run.summary().live, "the run's end")
    assert run.summary().status == "finished"
    found = repositories(run.folder)
    assert [one["dirty"] for one in found] == ([] if kind == "none" else [None])
    assert all(one["why"] for one in found)


# A plug-in's code


def test_an_edited_plugin_is_told_to_whoever_asks_or_goes_on(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN.read_text())
    environment = {"SEQSUM_PLUGINS": str(plugin)}
    trained = seqsum(tmp_path, tmp_path, "train", "largest", "--train.steps", "40", "--name", "a", **environment)
    assert trained.returncode == 0, trained.stderr
    run = only_run(tmp_path)
    (kept,) = (run.folder / "source").iterdir()
    assert kept.read_text() == PLUGIN.read_text() and kept.name.endswith(".py.txt")
    assert list(run.record.plugin_hashes) == [str(plugin)]
    asked = seqsum(tmp_path, tmp_path, "predict", "a", "1 2", **environment)
    assert asked.returncode == 0 and "edited" not in asked.stdout
    plugin.write_text(PLUGIN.read_text() + "\n# another thought\n")
    said = f"plug-in {plugin} was edited since the checkpoint of step 40 of run {run.id} was made; as it was then: "
    for verb, *words in (("predict", "1 2"), ("inspect", "1 2"), ("evaluate",)):
        told = seqsum(tmp_path, tmp_path, verb, "a", *words, **environment)
        assert told.returncode == 0 and f"{said}{kept}" in told.stdout, told.stderr
    plain = json.loads(seqsum(tmp_path, tmp_path, "predict", "a", "1 2", "--json", **environment).stdout)
    assert [text for text in plain["warnings"] if text == f"{said}{kept}"]
    forked = seqsum(tmp_path, tmp_path, "fork", "a", "--train.steps", "60", "--name", "b", **environment)
    assert forked.returncode == 0 and "was edited since the checkpoint of step 40 was made" in forked.stdout
    assert len(list((Workspace(tmp_path / "runs").find("b").folder / "source").iterdir())) == 1
