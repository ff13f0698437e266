"""The console of somebody who may only look at the runs of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.terminal import Terminal
from support.users import ANNA, BEN, CARA, environment, shared_folder, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
SHORT = ("baseline", "--train.backend", "torch", "--train.steps", "40")


def test_who_may_only_look_sees_whose_it_is_and_each_key_says_why_it_does_nothing(tmp_path: Path) -> None:
    with shared_folder() as shared:
        ANNA.does(shared, "train", *SHORT, "--name", "hers")
        BEN.does(shared, "train", *SHORT, "--name", "his")
        home = shared.parent / "home"
        home.mkdir()
        home.chmod(0o777)
        terminal = Terminal(CARA.console(), {**environment(shared), "HOME": str(home)})
        try:
            terminal.wait_for("games")
            text = terminal.wait_for("read-only: the folder is daemon's")
            assert "owner" in text and "daemon" in text and "Traceback" not in text
            for key in ("d", "*", "t", "x", "r"):
                terminal.press(key)
                terminal.wait_for("It is read-only: the folder is games's.")
                terminal.press("down", "up")
                terminal.wait_for(lambda text: "It is read-only" not in text)
            terminal.press("n")
            terminal.wait_for("The workspace is read-only: the folder is daemon's.")
            terminal.press("enter")
            terminal.wait_for("read-only: the folder is games's")
            assert "saves one first" not in terminal.wait_for("Answers come from the newest checkpoint.")
            terminal.press("A", "1 2 3", "enter")
            terminal.wait_for(lambda text: "→" in text or "right" in text or "wrong" in text)
            terminal.press("escape", "l")
            terminal.wait_for("It is read-only: the folder is games's.")
        finally:
            terminal.kill()
