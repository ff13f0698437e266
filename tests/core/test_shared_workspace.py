"""One workspace of two users of its group, who both work in it, and a third user, who may only look."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.users import ANNA, BEN, CARA, GROUP, User, shared_folder, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SHORT = ("baseline", "--train.backend", "torch", "--train.steps", "40", "--train.checkpoint_every", "10",
         "--train.log_every", "10", "--train.evaluate_every", "20")  # fmt: skip
LONG = ("baseline", "--train.backend", "torch", "--train.steps", "1000000", "--detach")


@pytest.fixture
def shared() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


def run_of(user: User, workspace: Path, name: str) -> dict[str, Any]:
    """What the list tells a user of a run."""
    lines = [json.loads(line) for line in user.does(workspace, "runs", "--json").splitlines()]
    (found,) = [line for line in lines if line["name"] == name]
    return found


def closed_to_the_group(workspace: Path) -> list[str]:
    """Return what somebody of the group can't change, or is of another group."""
    found = []
    for path in [workspace, *workspace.rglob("*")]:
        facts, needed = path.lstat(), 0o070 if path.is_dir() else 0o060
        if facts.st_gid != GROUP or facts.st_mode & needed != needed:
            found.append(f"{stat.filemode(facts.st_mode)} {facts.st_gid} {path.relative_to(workspace)}")
    return found


def test_the_group_may_change_all_that_is_made_in_the_folder(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "ours")
    ANNA.does(shared, "note", "ours", "a word")
    ANNA.does(shared, "train", *SHORT, "--name", "waits", "--queue")
    ANNA.does(shared, "rewind", "waits", "--step", "20")
    ANNA.does(shared, "sweep", *SHORT, "--optim.lr", "0.01,0.02")
    BEN.does(shared, "fork", "ours", "--train.steps", "60", "--name", "further")
    BEN.does(shared, "delete", "further")
    assert closed_to_the_group(shared) == []


def test_each_of_the_group_does_everything_to_a_run_of_the_other_that_has_ended(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "hers")
    for command in ("tag hers good", "star hers", "rename hers theirs", "rewind theirs --step 20",
                    "resume theirs", "predict theirs 1,2,3", "delete theirs", "restore theirs",
                    "doctor --repair"):  # fmt: skip
        BEN.does(shared, *command.split())
    BEN.does(shared, "note", "theirs", "seen")
    assert run_of(ANNA, shared, "theirs")["status"] == "finished"
    for command in ("tag theirs better", "note theirs again", "rewind theirs --step 10", "resume theirs",
                    "evaluate theirs", "delete theirs"):  # fmt: skip
        ANNA.does(shared, *command.split())
    assert closed_to_the_group(shared) == []


def test_each_of_the_group_steers_a_run_that_the_other_trains(shared: Path) -> None:
    ANNA.does(shared, "train", *LONG, "--name", "live")
    try:
        for user in (BEN, ANNA):
            for command in ("set live optim.lr=0.002", "pause live", "resume live", "snapshot live", "stop live",
                            "set live optim.lr=0.003", "resume live --detach"):  # fmt: skip
                user.does(shared, *command.split())
            assert run_of(CARA, shared, "live")["status"] in ("starting", "running")
    finally:
        ANNA.does(shared, "stop", "live")
    assert closed_to_the_group(shared) == []


def test_who_may_not_write_sees_all_and_is_told_why_nothing_changes(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "hers")
    ANNA.does(shared, "train", *LONG, "--name", "live")
    try:
        before = {path: path.stat().st_mtime_ns for path in shared.rglob("hers*/**/*")}
        for command in ("runs", "show hers", "show live", "predict hers 1,2,3", "evaluate hers", "compare hers live",
                        "doctor"):  # fmt: skip
            CARA.does(shared, *command.split())
        assert run_of(CARA, shared, "live")["status"] in ("starting", "running")
        for command in ("tag hers mine", "star live", "delete hers", "fork hers --train.steps 80", "stop live",
                        "pause live", "set live optim.lr=1", "rewind hers --step 10", "train baseline"):  # fmt: skip
            told = CARA.refused(shared, *command.split())
            assert "read-only: the folder is daemon's" in told, told
        assert before == {path: path.stat().st_mtime_ns for path in shared.rglob("hers*/**/*")}
    finally:
        BEN.does(shared, "stop", "live")


def events_of(user: User, workspace: Path, name: str, kind: str) -> list[dict[str, Any]]:
    """What the events of a kind say."""
    table = user.does(workspace, "export", name, "--format", "json", "--output", "-")
    return [event["detail"] for event in json.loads(table)["events"] if event["kind"] == kind]


def test_record_list_and_events_tell_whose_a_run_is_and_who_changed_what(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "hers", "--optim.lr", "0.01")
    BEN.does(shared, "train", *SHORT, "--name", "his")
    assert (run_of(CARA, shared, "hers")["owner"], run_of(CARA, shared, "his")["owner"]) == ("daemon", "games")
    table = CARA.does(shared, "runs").splitlines()
    assert "OWNER" in table[0] and table[-1] == "read-only: the folder is daemon's"
    assert "OWNER" not in CARA.does(shared, "runs", "--filter", "owner:nobody")
    assert [line.split()[1] for line in CARA.does(shared, "runs", "--filter", "owner:games").splitlines()[1:-1]] == [
        "his"
    ]

    BEN.does(shared, "tag", "hers", "seen")
    BEN.does(shared, "rewind", "hers", "--step", "20")
    BEN.does(shared, "resume", "hers")
    told = CARA.does(shared, "show", "hers")
    assert "tags: seen (by games)" in told and "by daemon on" in told and "read-only: the folder is daemon's" in told
    assert events_of(CARA, shared, "hers", "rewound")[-1]["by"] == "games"
    assert events_of(CARA, shared, "hers", "resumed")[-1]["by"] == "games"
    ANNA.does(shared, "tag", "hers", "mine")
    assert "by games" not in ANNA.does(shared, "show", "hers")


def test_a_live_run_tells_who_steered_it(shared: Path) -> None:
    ANNA.does(shared, "train", *LONG, "--name", "live")
    for command in ("set live optim.lr=0.002", "pause live", "stop live"):
        BEN.does(shared, *command.split())
    assert run_of(ANNA, shared, "live")["reason"] == "stopped by games"
    for kind in ("set", "paused"):
        assert [detail["by"] for detail in events_of(ANNA, shared, "live", kind)] == ["games"]
    ANNA.does(shared, "resume", "live", "--detach")
    ANNA.does(shared, "stop", "live")
    assert run_of(ANNA, shared, "live")["reason"] == "stopped by seqsum stop"


def test_what_somebody_made_for_reading_only_the_group_may_look_at(shared: Path) -> None:
    """Whose umask takes the group's right to write keeps the run for themselves."""
    assert ANNA.command(shared, "train", *SHORT, "--name", "kept", umask=0o022).returncode == 0
    BEN.does(shared, "predict", "kept", "1,2,3")
    assert "daemon (read-only)" in BEN.does(shared, "runs")
    assert "read-only: the folder is daemon's" in BEN.refused(shared, "resume", "kept")
    assert "read-only: the folder is daemon's" in BEN.refused(shared, "tag", "kept", "mine")
    BEN.does(shared, "fork", "kept", "--train.steps", "60", "--name", "further")


def test_the_doctor_gives_the_group_what_an_earlier_version_kept_from_it(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "hers")
    for path in (*shared.glob("*/metrics.db"), *shared.glob("*/worker.log")):
        path.chmod(0o644)
    assert "can't write" in BEN.refused(shared, "rewind", "hers", "--step", "20")
    told = BEN.command(shared, "doctor", "hers").stdout
    assert "metrics.db may not be written by the group" in told and "worker.log may not be" in told
    ANNA.command(shared, "doctor", "hers", "--repair")
    assert closed_to_the_group(shared) == []
    BEN.does(shared, "rewind", "hers", "--step", "20")


def test_who_may_not_even_look_is_told_so(shared: Path) -> None:
    ANNA.does(shared, "train", *SHORT, "--name", "hers")
    shared.chmod(0o2770)
    for command in ("runs", "show hers", "predict hers 1,2", "doctor", "train baseline"):
        assert CARA.refused(shared, *command.split()).endswith((f"{shared}: Permission denied", "with --workspace"))
