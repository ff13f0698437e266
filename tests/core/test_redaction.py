"""Secrets in command lines and in the changes of a repository are hidden, and the rest stays."""

from __future__ import annotations

import pytest

from seqsum.config import all_fields
from seqsum.runs.redaction import HIDDEN, hidden_lines, is_secret_name, shown_command

SECRET = "q8Zr51xWmTt0bYvK"
NOTHING: dict[str, str] = {}

COMMANDS = [
    ["train", "--api-key", SECRET],
    ["train", f"--api-key={SECRET}"],
    ["train", f"--swanlab_token={SECRET}", "adds"],
    ["train", "--password", SECRET, "adds"],
    ["train", f"WANDB_API_KEY={SECRET}"],
    ["push", "--to", f"postgresql://me:{SECRET}@db.example.org/runs"],
    ["get", f"https://example.org/x?page=2&access_token={SECRET}"],
    ["curl", "-H", f"Authorization: Bearer {SECRET}"],
    ["train", f"ghp_{SECRET}{SECRET}"],
    ["train", f"hf_{SECRET}{SECRET}"],
    ["train", f"sk-{SECRET}{SECRET}"],
    ["train", f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{SECRET}"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_line_tells_no_secret(arguments: list[str]) -> None:
    shown = shown_command(["seqsum", *arguments], NOTHING)
    assert SECRET not in shown and HIDDEN in shown and shown.startswith(f"seqsum {arguments[0]} ")


def test_what_the_environment_holds_as_a_secret_is_one_wherever_it_stands() -> None:
    environment = {"SWANLAB_API_KEY": SECRET, "HOME": "/home/ada", "LEVEL_KEY": "adds"}
    shown = shown_command(["python", "train.py", "--where", "/home/ada", f"x{SECRET}y", "adds"], environment)
    assert shown == f"python train.py --where /home/ada x{HIDDEN}y adds"


def test_settings_stay() -> None:
    assert not [facts.path for facts in all_fields() if is_secret_name(facts.path)]
    typed = ["seqsum", "train", "adds", "--model.token_input", "one_hot", "--name", "the key, a token", "--monkey=1"]
    assert shown_command(typed, NOTHING) == (
        "seqsum train adds --model.token_input one_hot --name 'the key, a token' --monkey=1"
    )


DIFF = f"""\
diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,9 +1,9 @@
-api_key = "{SECRET}"
+API_KEY={SECRET}
+    "password": "{SECRET}",
+client = connect("mysql://root:{SECRET}@host/x")
+-----BEGIN RSA PRIVATE KEY-----
+{SECRET}{SECRET}
+-----END RSA PRIVATE KEY-----
 key = name.lower()
+tokens = text.split(); best_key = max(found, key=found.get)
"""


def test_the_changes_of_a_repository_tell_none_and_keep_what_is_none() -> None:
    text, hidden = hidden_lines(DIFF, NOTHING)
    assert SECRET not in text and hidden == 7
    lines, before = text.splitlines(), DIFF.splitlines()
    assert len(lines) == len(before)
    assert [lines[at] for at in (0, 1, 2, 3, 11, 12)] == [before[at] for at in (0, 1, 2, 3, 11, 12)]
    assert [line[0] for line in lines[4:]] == [line[0] for line in before[4:]]
