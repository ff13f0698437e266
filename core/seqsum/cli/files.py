"""Files in, files out: every row of a file answered, in another file or on standard output."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from seqsum.cli.follow import overall_bar
from seqsum.cli.output import complain, say, say_json, write_out
from seqsum.cli.signals import stopping
from seqsum.errors import IN_FORM, UserError
from seqsum.formatting import count
from seqsum.output_file import new_file
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from seqsum.query.file_formats import Format
    from seqsum.query.file_output import Written
    from seqsum.query.file_predictions import FilePredictions
    from seqsum.query.loading import Loaded
    from seqsum.runs import Run
    from seqsum.tasks.file_rows import AskedFile

PROGRESS_SECONDS = 0.25
WRITTEN_AT_ONCE = 1 << 16  # bytes


class Asking(Protocol):
    """A checkpoint that is asked, as `asking` makes it of what was typed."""

    run: Run
    loaded: Loaded
    step: int
    fields: dict[str, Any]
    head: dict[str, Any]
    heard: Callable[[], None]


def check_options(options: argparse.Namespace) -> None:
    """Raise UserError where what goes with a file was typed without one, or what does not with one."""
    if options.file is not None and getattr(options, "input", None) is not None:
        raise UserError(f"{options.command}: ask either INPUT or a file, not both")
    for name in ("output", "column", "truth_column", "force"):
        if options.file is None and getattr(options, name, None):
            raise UserError(f"{options.command}: --{name.replace('_', '-')} goes with --file")


def check_output(options: argparse.Namespace) -> None:
    """Raise UserError, before a model is loaded, where the answers can't be written as their file is called."""
    from seqsum.query.file_formats import ENDINGS, format_of

    if options.output is not None and format_of(Path(options.output).suffix) is None:
        endings = ", ".join(ENDINGS)
        raise UserError(f"predict: {printable(options.output)}: name a file that ends in one of {endings}")
    with suppress(OSError):
        if options.output is not None and Path(options.file).samefile(options.output):
            raise UserError(f"predict: {printable(options.output)} is the file that is read; name another for answers")


def predict_file(options: argparse.Namespace, made: Callable[[argparse.Namespace], Asking]) -> int:
    """Answer every row of a file; return the exit status, 2 where some row has no answer.

    made: loads the model; what can't be written is told before
    """
    with _refused(options):
        return _predicted(options, made)


@contextmanager
def _refused(options: argparse.Namespace) -> Iterator[None]:
    """For programs that have a form of their own: say why a file can't be answered without a command's words, too."""
    try:
        yield
    except UserError as error:
        if options.json and os.environ.get(IN_FORM):
            say_json({"event": "refused", "message": str(error), "in_form": error.in_form})
        raise


def _predicted(options: argparse.Namespace, made: Callable[[argparse.Namespace], Asking]) -> int:
    from seqsum.query.file_output import write_answers

    check_output(options)
    with stopping(), _stream(options) as stream:
        asking = made(options)
        found = _opened(asking, options)
        with _bar(options, "answering") as told:

            def heard(share: float, written: Written) -> None:
                told(share, count(written.rows, "row"), rows=written.rows)

            name = one_line(asking.run.name)
            written = write_answers(found, stream, _format(options, found.rows.separator), name, heard)
    if options.output is not None and options.json:
        refused = {reason: lines.number for reason, lines in written.refused.items()}
        facts = {"rows": written.rows, "answered": written.answered, "refused": refused, "told": written.told()}
        say_json({"event": "written", **asking.head, "path": options.output, **facts})
    else:
        tell = say if options.output is not None else complain
        first, *more = written.told()
        where = f"{options.output}: " if options.output is not None else ""
        tell(f"{where}{first}  (checkpoint of step {asking.step:,})")
        for line in more:
            complain(line)
    return 0 if written.answered == written.rows else 2


def _format(options: argparse.Namespace, separator: str) -> Format:
    """The format of what is written: as its file is called, else as the file that is read."""
    from seqsum.query.file_formats import format_of

    if options.output is not None:
        found = format_of(Path(options.output).suffix)
        assert found is not None
        return found
    return "jsonl" if options.json else format_of(Path(options.file).suffix) or ("tsv" if separator == "\t" else "csv")


class _StandardOutput(io.BytesIO):
    """Standard output, as `write_out` writes there, some rows at a time."""

    def write(self, data: Buffer, /) -> int:
        size = super().write(data)
        if self.tell() >= WRITTEN_AT_ONCE:
            self.flush()
        return size

    def flush(self) -> None:
        write_out(self.getvalue().decode("utf-8", "surrogatepass"))
        self.seek(0)
        self.truncate()


@contextmanager
def _stream(options: argparse.Namespace) -> Iterator[BinaryIO]:
    if options.output is not None:
        with new_file(Path(options.output), options.force, options.command) as file:
            yield file
        return
    out = _StandardOutput()
    yield out
    out.flush()


@contextmanager
def evaluating(asking: Asking, options: argparse.Namespace) -> Iterator[None]:
    """Show, while a file is evaluated, how far it is."""
    if options.file is None:
        yield
        return
    asked = asking.loaded.of_file(file_of(options))
    with stopping(), _bar(options, "asking") as told:

        def heard() -> None:
            rows = asked.task.asked_rows
            if rows is not None:
                told(rows.share, count(rows.rows, rows.of), rows=rows.rows)

        asking.heard = heard
        yield


@contextmanager
def _bar(options: argparse.Namespace, words: str) -> Iterator[Callable[..., None]]:
    """Show how far it is: in a terminal on standard error; for programs, where standard output is not the answer
    itself, in lines of JSON."""
    told_in_json = options.json and (options.command == "evaluate" or options.output is not None)
    shown, last = sys.stderr.isatty() and not options.json, time.monotonic()
    with overall_bar(f"{words} {one_line(Path(options.file).name)}", shown=shown, beside=True) as bar:

        def told(share: float, beside: str, rows: int) -> None:
            nonlocal last
            if time.monotonic() - last < PROGRESS_SECONDS:
                return
            last = time.monotonic()
            bar(share, beside)
            if told_in_json:
                say_json({"event": "progress", "rows": rows, "share": share})

        yield told


def _opened(asking: Asking, options: argparse.Namespace) -> FilePredictions:
    from seqsum.query.file_predictions import predictions

    return predictions(asking.loaded, file_of(options), asking.fields)


def file_of(options: argparse.Namespace) -> AskedFile:
    """The file that was named, and its columns."""
    from seqsum.tasks.file_rows import AskedFile

    return AskedFile(options.file, options.column, getattr(options, "truth_column", None))
