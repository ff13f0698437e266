"""What the commands that make the tables of docs/results.md are told: wrong ones are refused in a sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from pathlib import Path

from seqsum.control.replicate import parse_seeds
from seqsum.errors import UserError, did_you_mean


def some_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads names between commas, each of which must be one of these."""
    known = list(names)

    def read(text: str) -> list[str]:
        wanted = [name.strip() for name in text.split(",")]
        unknown = next((name for name in wanted if name not in known), None)
        if unknown is not None:
            near = did_you_mean(unknown, known)
            raise ArgumentTypeError(f'no "{unknown}"{near}; there are {", ".join(known)}')
        return wanted

    return read


def seeds(text: str) -> range:
    """Read a number of seeds, or a range like 5-9."""
    try:
        return parse_seeds(text)
    except UserError as error:
        raise ArgumentTypeError(str(error).partition("--seeds ")[2]) from None


def from_to(text: str) -> range:
    """Read a seed, or a range like 0-2."""
    return seeds(text if "-" in text else f"{text}-{text}")


def range_of_seeds(text: str) -> str:
    """Let pass what `seqsum replicate --seeds` takes."""
    seeds(text)
    return text


def lengths(text: str) -> list[int]:
    """Read lengths between commas."""
    try:
        found = [int(length) for length in text.split(",")]
    except ValueError:
        found = [0]
    if min(found) < 1:
        raise ArgumentTypeError(f'whole numbers between commas, such as 5,100; got "{text}"')
    return found


def file_to_write(text: str) -> Path:
    """Return a file to which lines are added; its folder is made."""
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text} is a folder; name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentTypeError(f"can't make the folder of {text}: {error.strerror}") from None
    return path
