"""What needs submitit: the work that it has a job do, and the script by which it asks for jobs."""

from __future__ import annotations

from pathlib import Path

import submitit

from seqsum.launch.job import JobWorker

FailedSubmission = (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError)
"""What it raises where sbatch refuses, with what that says."""


class Work:
    """What a job does: it trains one run."""

    def __init__(self, folder: str, token: str) -> None:
        self.folder, self.token = folder, token
        self._worker: JobWorker | None = None

    def __call__(self) -> None:
        self._worker = JobWorker(Path(self.folder), self.token)
        self._worker.work()

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Save: the time is nearly over, or the machine is wanted for something else. submitit queues the job again."""
        if self._worker is not None:
            self._worker.leave()
        return submitit.helpers.DelayedSubmission(Work(self.folder, self.token))


class SlurmExecutor(submitit.SlurmExecutor):
    """submitit's, which also shows what it would submit."""

    def script(self, count: int) -> str:
        """Return the file that sbatch is given for so many jobs."""
        asked = self.parameters
        try:
            self.parameters = {**asked, "map_count": count} if count > 1 else asked
            return self._make_submission_file_text(self._submitit_command_str, "")
        finally:
            self.parameters = asked
