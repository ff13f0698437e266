"""Which of torchrun's attempts at a run this is: when a process of several is lost, all are started again."""

from __future__ import annotations

import os
from dataclasses import dataclass

from seqsum.errors import ProcessLost


@dataclass(frozen=True)
class Attempt:
    """pid: the process that speaks for the run, and hands signals on; number, last: of attempts, from 0 on."""

    pid: int
    number: int = 0
    last: int = 0

    @classmethod
    def alone(cls) -> Attempt:
        """The one attempt of a worker that is a single process."""
        return cls(os.getpid())

    @classmethod
    def of_torchrun(cls, pid: int) -> Attempt:
        """Read what torchrun tells its processes."""
        return cls(pid, int(os.environ["TORCHELASTIC_RESTART_COUNT"]), int(os.environ["TORCHELASTIC_MAX_RESTARTS"]))

    def hands_over(self, error: Exception) -> bool:
        """Whether another attempt goes on after an error, so that the run has not failed."""
        return isinstance(error, ProcessLost) and self.number < self.last
