"""Workers as jobs of Slurm, handed over by submitit: what is submitted together is one array.

A job that its time limit or a preemption is about to end has its worker save, and is queued again; so is one whose node
was lost. Either way the run goes on from its newest checkpoint.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError, told_as
from seqsum.launch.base import cores_of
from seqsum.launch.cluster import ClusterLauncher, Job, Standing
from seqsum.launch.options import whole_option
from seqsum.runs.bounds import own_folder
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.config import TrainConfig

FOLDER = f".slurm-{os.getuid()}"
"""Of the workspace: what submitit keeps of a user's jobs, and their own output. A worker's is in its run's folder."""
MINUTES = 60
"""A job's time limit where none is asked for: one that reaches it is queued again."""
AT_ONCE, MOST_AT_ONCE = 16, 10_000
SAVING_SECONDS, MOST_SECONDS = 90, 86_400
"""How long before the end of its time a job is told to save."""
MOST_REQUEUES = 100_000
SECONDS = 30.0
"""How long Slurm's own commands may take."""
HELD = re.compile(
    "PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED|STOPPED|SIGNALING|STAGE_OUT|RESIZING|REQUEUED|REQUEUE_.*|"
    "SPECIAL_EXIT|RESV_DEL_HOLD"
)
TIME = re.compile(r"(?:(?P<d>\d+)-)?(?P<a>\d+)(?::(?P<b>\d+))?(?::(?P<c>\d+))?")
OWN_OPTIONS = ("time", "at_once", "signal_delay_s")
LOGGING = "SUBMITIT_LOG_LEVEL"


def minutes(text: str) -> int:
    """Return a time limit in minutes, as sbatch reads it: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS.

    Raises UserError for anything else.
    """
    match = TIME.fullmatch(text)
    if match is None:
        raise UserError(
            f'--job: time of slurm is minutes, or HH:MM:SS, or days-hours as sbatch has it; got "{printable(text)}"'
        )
    a, b, c = (int(match[name] or 0) for name in "abc")
    if match["d"] is not None:
        seconds = int(match["d"]) * 86400 + a * 3600 + b * 60 + c
    elif match["c"] is not None:
        seconds = a * 3600 + b * 60 + c
    else:
        seconds = a * 60 + b
    return max(1, math.ceil(seconds / 60))


@contextlib.contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Have submitit set up no logging when it is loaded: that would close the handlers of whoever loads us, some of
    them with the stream that they write to."""
    before = os.environ.get(LOGGING)
    os.environ[LOGGING] = "NOCONFIG"
    try:
        yield
    finally:
        del os.environ[LOGGING]
        if before is not None:
            os.environ[LOGGING] = before


class SlurmLauncher(ClusterLauncher):
    """Hands runs to Slurm."""

    name, title = "slurm", "Slurm"

    def __init__(self, workspace: Path, options: Mapping[str, str]) -> None:
        """options: `time` is a job's time limit, `at_once` how many train side by side; others are those of sbatch.

        Raises UserError where submitit is not installed, or there is no Slurm on this machine.
        """
        super().__init__(workspace)
        try:
            with _logging_left_alone():
                from seqsum.launch.sbatch import SlurmExecutor
        except ImportError:
            raise UserError(
                "launch: slurm needs submitit, which is not installed: pip install 'seqsum-tui[slurm]'"
            ) from None
        missing = next((one for one in ("sbatch", "srun", "squeue", "scancel") if shutil.which(one) is None), None)
        if missing:
            raise UserError(f"launch: there is no {missing} on this machine; start it where Slurm's commands are")
        self._at_once = whole_option(self.name, options, "at_once", MOST_AT_ONCE) or AT_ONCE
        delay = whole_option(self.name, options, "signal_delay_s", MOST_SECONDS) or SAVING_SECONDS
        self._limit = minutes(options.get("time", str(MINUTES)))
        self._others: dict[str, Any] = {
            name: value if value else True for name, value in options.items() if name not in OWN_OPTIONS
        }
        self._folder = own_folder(workspace.absolute() / FOLDER)
        self._engine = SlurmExecutor(
            self._folder, max_num_timeout=MOST_REQUEUES, python=f"{shlex.quote(sys.executable)} -P"
        )
        self._engine.update_parameters(
            job_name="seqsum",
            time=self._limit,
            signal_delay_s=delay,
            array_parallelism=self._at_once,
            stderr_to_stdout=True,
            wckey=None,
        )
        self._standings: dict[str, str] | None = None

    def capacity(self) -> int:
        return self._at_once

    def warm(self) -> None:
        """Ask whether Slurm answers: where it does not, no run is made in vain."""
        try:
            done = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, check=False, timeout=SECONDS)
        except (OSError, subprocess.SubprocessError):
            return  # what hands over tells
        if done.returncode and "UP" not in done.stdout:
            raise UserError(f"launch: no Slurm answers on this machine: {_refusal(done.stderr or done.stdout)}")

    def _parameters(self, cores: int) -> dict[str, Any]:
        return {"cpus_per_task": cores, "requeue": True, **self._others}

    def command(self, workspace: Path, runs: int, train: TrainConfig, queue: bool = False) -> str:
        self._ask_for(train.cores)
        return f"sbatch SCRIPT, where SCRIPT is\n{self._engine.script(runs).strip()}"

    def _ask_for(self, cores: int) -> None:
        own = {"cpus_per_task": cores, "requeue": True}
        self._engine.update_parameters(additional_parameters={**own, **self._others})

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        from seqsum.launch.sbatch import FailedSubmission, Work

        def cores(job: Job) -> int:
            return cores_of(job.run)

        with told_as(f"launch: can't write in {self._folder}"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            facts = self._folder.lstat()
        # What lies there is run by the jobs.
        if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            raise UserError(f"launch: {self._folder} can be written by others: delete it, or choose another workspace")
        for number, alike in groupby(sorted(jobs, key=cores), cores):
            self._ask_for(number)
            array = list(alike)
            said = io.StringIO()
            try:
                # It prints what it is about to raise.
                with (
                    told_as(f"launch: can't write in {self._folder}"),
                    contextlib.redirect_stderr(said),
                    self._engine.batch(),
                ):
                    handed = [self._engine.submit(Work(str(one.run.folder), one.token)) for one in array]
            except FailedSubmission as error:
                told = _refusal("\n".join([str(error), said.getvalue()]))
                raise UserError(f"launch: Slurm refused it: {told}") from None
            for one, job in zip(array, handed, strict=True):
                one.id = job.job_id
                if self._standings is not None:
                    self._standings[one.id] = "PENDING"

    def _ask(self) -> None:
        command = ["squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
        except (OSError, subprocess.SubprocessError):
            return  # asked again soon; until then nothing has changed
        parts = [line.strip().partition("|") for line in done.stdout.splitlines()]
        self._standings = {id: word for id, _, word in parts}

    def _standing(self, job: Job) -> Standing:
        if self._standings is None:
            return Standing(True, "")
        word = self._standings.get(job.id, "")
        return Standing(HELD.fullmatch(word) is not None, word.replace("_", " ").lower())

    def _cancel(self, job: Job) -> None:
        cancel(job.id)


def cancel(id: str) -> None:
    """Take a job out of Slurm, as far as it is in it."""
    if re.fullmatch(r"[0-9]+(_[0-9]+)?", id):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["scancel", id], capture_output=True, check=False, timeout=SECONDS)


def _refusal(text: str) -> str:
    """Return what a command of Slurm says, in a line; where it says what it ends for, that alone."""
    said = re.findall(r"^(?:sbatch|scontrol): (fatal: |error: )?(.+?)\.?$", text, re.MULTILINE)
    words = [words for kind, words in said if kind == "fatal: "] or [words for _, words in said]
    return printable("; ".join(dict.fromkeys(words)) or one_line(text) or "it does not say why")
