"""`seqsum-tui`: takes the terminal's keys first, and only then imports what it does with them."""

from __future__ import annotations

from seqsum_tui.terminal_io.typed_ahead import kept


def main(arguments: list[str] | None = None) -> int:
    """Open the console; return the exit code."""
    with kept():
        from seqsum_tui.command_line import run

        return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
