"""A file that a person asked for, and named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seqsum.errors import UserError, told_as
from seqsum.files import written_beside
from seqsum.text import printable


@contextmanager
def new_file(path: Path, force: bool, command: str) -> Iterator[BinaryIO]:
    """Have a file written, whole or not at all; raise UserError, before anything is done, when it is there already, and
    when it can't be written.

    force: write over what is there; command: what messages begin with
    """
    shown = printable(str(path))
    with told_as(f"{command}: can't write {shown}"):
        if path.is_dir():
            raise UserError(f"{command}: {shown} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise UserError(f"{command}: {shown} is no file (a device, a pipe or a socket); name a file")
        if os.path.lexists(path) and not force:
            said = f"{shown} is there already; choose another name"
            raise UserError(f"{command}: {said}, or overwrite it with --force", in_form=said)
        # Where it is a link, what it points to is written, as a shell would.
        with written_beside(path.resolve()) as file:
            yield file
