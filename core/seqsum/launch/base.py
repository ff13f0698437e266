"""What a launcher is: other engines (a cluster's queue, say) stand behind the same calls, chosen by name."""

from __future__ import annotations

from typing import Protocol

from seqsum.runs import Run


class Launcher(Protocol):
    """Starts workers. A run is found again through its folder, never through the launcher."""

    def capacity(self) -> int:
        """Return how many workers can run side by side here."""
        ...

    def submit(self, run: Run, queue: bool = False) -> int:
        """Start a worker for the run and return its process id; raise UserError if one is at it already,
        or if the run is finished.

        With `queue` the worker waits for its turn: at most `capacity` queued runs train side by side, first come first.
        """
        ...

    def warm(self) -> None:
        """Get ready for a worker that will be wanted soon, where that makes its start quicker; return at once."""
        ...

    def cool(self) -> None:
        """Let go of what `warm` holds; workers go on."""
        ...

    def close(self) -> None:
        """Let go of what the launcher holds; workers go on."""
        ...
