"""Where the console is, and what it does about a slow line."""

from pathlib import Path

import pytest

from seqsum_tui.app import Console
from seqsum_tui.shared.paths import for_people, over_ssh


@pytest.mark.parametrize(
    ("environment", "remote"),
    [({}, False), ({"SSH_TTY": "/dev/pts/3"}, True), ({"SSH_CONNECTION": "1 2 3 4"}, True), ({"SSH_TTY": ""}, False)],
)
def test_over_ssh(environment, remote):
    assert over_ssh(environment) is remote


async def test_a_slow_line_gets_no_animation_and_fewer_readings(tmp_path, monkeypatch):
    monkeypatch.setenv("SSH_TTY", "/dev/pts/3")
    console = Console(tmp_path)
    async with console.run_test() as pilot:
        await pilot.pause()
        assert console.animation_level == "none"
        assert console.seconds == 1.0


def test_the_home_folder_is_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert for_people(tmp_path / "runs") == "~/runs"
    assert for_people(Path("/elsewhere/runs")) == "/elsewhere/runs"
