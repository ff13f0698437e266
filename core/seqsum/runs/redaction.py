"""Keys, tokens and passwords taken out of what is kept of a start: a command line, the changes in a repository.

What is taken out is told by the name before it (`--api-key`, `SWANLAB_TOKEN=`), by its shape (those of well-known
services, a private key, a password in a URL), or by being the value of a variable of the environment with such a name.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

HIDDEN = "[hidden]"
SHORTEST = 6
"""Letters of a value of the environment that is looked for: a shorter one stands in words of every kind."""
_WORD = r"(?:api[-_]?)?key|token|secret|passw(?:or)?d|passphrase|passwd|pwd|pat|credentials?|auth|bearer|cookie|dsn"
_NAMED = re.compile(rf"(?i)(?:^|[-_.]|api|access|auth|swanlab|wandb)(?:{_WORD})\d*$")
_IN_URL = re.compile(r"(?P<before>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)")
_IN_QUERY = re.compile(rf"(?i)(?P<before>[?&;](?:[a-z0-9]+[-_.])*(?:{_WORD})=)[^&\s'\"#]+")
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|sk_|pk_|rk_|xox[a-z]-|AKIA|ASIA|AIza|npm_|pypi-|dop_v1_|wandb_)"
    r"[A-Za-z0-9_\-.]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
)
_BEARER = re.compile(r"(?i)(?P<before>\b(?:bearer|basic)\s+)[A-Za-z0-9+/=_\-.]{8,}")
# In a program `key = name.lower()` is no secret: a text in quotation marks is, and what a variable in capitals is.
_QUOTED = re.compile(
    rf"(?i)(?P<before>(?<![a-z0-9])(?:[a-z0-9]+[-_.]|api|access|auth)*(?:{_WORD})\d*[\"']?\s*[:=]\s*[rbuf]?)"
    r"(?P<mark>[\"'])[^\"'\s]{8,}(?P=mark)"
)
_CAPITALS = re.compile(
    r"(?P<before>\b[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)\d*\s*[:=]\s*)"
    r"[^\s\"']{6,}"
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_END_PRIVATE = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")


def is_secret_name(name: str) -> bool:
    """Tell whether a flag, a variable or a field of that name holds a secret."""
    return _NAMED.search(name.strip("\"' ")) is not None


def shown_command(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return a command line as it would be typed, its secrets hidden. environment: default: this process's."""
    shown, hides = list[str](), False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if hides and not argument.startswith("-"):
            shown.append(HIDDEN)
            hides = False
            continue
        hides = argument.startswith("-") and not equals and is_secret_name(argument)
        shown.append(f"{name}={HIDDEN}" if equals and value and is_secret_name(name) else argument)
    return without_secrets(shlex.join(shown).replace(f"'{HIDDEN}'", HIDDEN), environment)


def without_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return a text without the secrets that their shape tells, or the environment."""
    for secret in _of_environment(os.environ if environment is None else environment):
        text = text.replace(secret, HIDDEN)
    text = _SHAPES.sub(HIDDEN, text)
    for kind in (_IN_URL, _IN_QUERY, _BEARER):
        text = kind.sub(rf"\g<before>{HIDDEN}", text)
    return text


def hidden_lines(text: str, environment: Mapping[str, str] | None = None) -> tuple[str, int]:
    """Return the lines of a diff without secrets, and in how many something is hidden."""
    lines, hidden, private = list[str](), 0, False
    for line in without_secrets(text, environment).splitlines(keepends=True):
        if private or _PRIVATE.search(line):
            private = _END_PRIVATE.search(line) is None
            # What marks a line of a diff stays.
            found = f"{line[:1] if line[:1] in '+- ' else ''}{HIDDEN}\n"
        else:
            found = _QUOTED.sub(rf"\g<before>\g<mark>{HIDDEN}\g<mark>", line)
            found = _CAPITALS.sub(rf"\g<before>{HIDDEN}", found)
        hidden += HIDDEN in found
        lines.append(found)
    return "".join(lines), hidden


def _of_environment(environment: Mapping[str, str]) -> list[str]:
    """Return the secrets that the environment holds, the longest first."""
    found = {value for name, value in environment.items() if is_secret_name(name) and len(value) >= SHORTEST}
    return sorted((value for value in found if "/" not in value[:1]), key=len, reverse=True)
