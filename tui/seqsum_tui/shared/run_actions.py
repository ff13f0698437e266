"""Pause, continue, resume, stop, checkpoint and set: asked of a run beside the screen, answered by a toast."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.content import Content

from seqsum import formatting
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.runs.access import read_only
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.runs.run import HEARING_STATUSES, LIVE_STATUSES, said_status
from seqsum_tui.shared import display
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.key_words import key_ink, key_word
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from textual.app import App

    from seqsum.runs import Run, Summary

    Work = Callable[[Run], dict[str, Any]]

WAITING = ("paused", "suspended")
RESUMABLE = ("stopped", "failed", "died")
DONE = {
    "pause": "paused",
    "continue": "goes on",
    "resume": "resumed",
    "stop": "stopped",
    "snapshot": "checkpoint saved",
    "set": "changed",
    "rewind": "rewound",
    "undo rewind": "as before the rewind",
}
RESUMED = {True: "From where it was.", False: "From its first step: it has no checkpoint."}
AT_ONCE, MOST_TOLD = 8, 5
ANOTHERS_LOG = "It is another program's log"
ALLOWED = {
    "pause": ("running",),
    "continue": WAITING,
    "resume": (*RESUMABLE, "suspended"),
    "stop": LIVE_STATUSES,
    "snapshot": HEARING_STATUSES,
}
ONLY = {
    "pause": "one that trains can be paused",
    "continue": "a paused or suspended one goes on",
    "resume": "one that stopped or failed resumes",
    "stop": "one that is not over can be stopped",
    "snapshot": "one that trains saves checkpoints",
}


OURS = ("resume", "snapshot")
"""What can be done to runs that our own workers train."""
SCRIPT = "A script of its own trains it: its weights are not here."


def no_weights(run: Summary) -> str:
    """Say why a run that no worker of ours trains can't be asked, forked or begun again."""
    return f"{ANOTHERS_LOG}: its weights are not here." if run.follows else SCRIPT


class RunScreen(ConsoleScreen[None]):
    """A screen that can have a run in hand, says which one, and hears when something was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: set[tuple[str, str]] = set()

    # What is in hand

    def run_in_hand(self) -> tuple[Run, Summary] | None:
        """Return the run that the keys act on, with what is known of it; None while there is none."""
        return None

    def runs_in_hand(self) -> list[tuple[Run, Summary]]:
        """Return the runs that pause, resume and stop act on: several where some are marked."""
        held = self.run_in_hand()
        return [] if held is None else [held]

    def chosen_runs(self) -> list[Summary]:
        """Return what is known of those runs; asked for often."""
        return [summary for _, summary in self.runs_in_hand()]

    def copied(self) -> tuple[str, str] | None:
        """Return the runs' ids, by which the command line knows them."""
        ids = [run.id for run, _ in self.runs_in_hand()]
        return (display.literal(ids[0]) if len(ids) == 1 else f"{len(ids)} ids", "\n".join(ids)) if ids else None

    # Which keys do something

    def closed(self) -> str | None:
        """Say why nothing of the runs in hand can be changed, whatever they do; None where something can."""
        folder = self.console.workspace_folder
        why = [read_only(folder / run.id) for run in self.chosen_runs()[:AT_ONCE]]
        return f"It is {why[0]}." if why and all(why) else None

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Only what the run's status allows can be done."""
        if action in ALLOWED and (closed := self.closed()):
            return closed
        held = self.chosen_runs() if action in ALLOWED else []
        if action not in ALLOWED or any(allowed(action, summary) for summary in held):
            return None
        if not held:
            return "There is no run here."
        if all(summary.follows for summary in held):
            return f"{ANOTHERS_LOG}: it hears nothing from here."
        if action in OURS and all(summary.script for summary in held):
            return no_weights(held[0])
        if all(summary.goes_on_by_itself for summary in held):
            return f"It {display.literal(held[0].reason or '')}."
        said = " or ".join(sorted({said_status(summary.status) for summary in held}))
        return f"It {said}; only {ONLY[action]}."

    def action_pause(self) -> None:
        """Pause the run."""
        continues = key_word(self.app, "run.continue")
        self.ask_run("pause", commands.pause, lambda _: f"{continues} goes on with it.")

    def action_continue(self) -> None:
        """Let a paused run go on."""
        self._resume("continue")

    def action_resume(self) -> None:
        """Go on with a run that ended before its last step."""
        self._resume("resume")

    def _resume(self, verb: str) -> None:
        launcher = self.console.launcher

        def resume(run: Run) -> dict[str, Any]:
            saved = run.worker_lives or bool(steps_saved(run.checkpoints))
            return {**commands.resume(run, launcher), "saved": saved}

        self.ask_run(verb, resume, lambda answer: RESUMED[answer["saved"]])

    def action_stop(self) -> None:
        """Save and stop the run."""
        self.console.ends_awaited.update(run.id for run, summary in self.runs_in_hand() if summary.live)
        resumes = key_word(self.app, "run.resume")
        held = self.chosen_runs()
        ours = f"It is saved; {resumes} goes on from there."
        told = "Its script has ended." if held and all(one.script for one in held) else ours
        self.ask_run("stop", lambda run: commands.stop(run, "the console"), lambda _: told)

    def action_snapshot(self) -> None:
        """Have the run save a checkpoint."""
        self.ask_run("snapshot", commands.snapshot, _saved_at)

    def set_value(self, run: Run, field: str, text: str) -> None:
        """Change a live field of the run."""
        self.ask_run(
            "set", lambda run: commands.set_value(run, field, text), lambda answer: str(answer.get("message", ""))
        )

    # How it is done

    def ask_run(self, verb: str, work: Work, outcome: Callable[[dict[str, Any]], str]) -> None:
        """Have `work` done to the runs in hand, beside the screen, and tell its outcome."""
        held = self.runs_in_hand()
        if len(held) > 1:
            self._ask_several(verb, held, work)
            return
        for run, summary in held:
            if (run.id, verb) in self._asked:
                self.notify("Still waiting for the worker's answer.", title=_title(verb, summary.name))
                return
            self._asked.add((run.id, verb))
            # The app's worker, not the screen's: the answer is told also when the person went elsewhere.
            self.app.run_worker(self._carry_out(verb, run, summary.name, work, outcome), group="actions")

    def _ask_several(self, verb: str, held: list[tuple[Run, Summary]], work: Work) -> None:
        chosen = [
            (run, summary.name) for run, summary in held if allowed(verb, summary) and (run.id, verb) not in self._asked
        ]
        self._asked.update((run.id, verb) for run, _ in chosen)
        if chosen:
            self.app.run_worker(self._carry_out_several(verb, chosen, work), group="actions")

    async def _carry_out_several(self, verb: str, chosen: list[tuple[Run, str]], work: Work) -> None:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(run: Run, name: str) -> str:
            try:
                async with at_once:
                    await in_thread(lambda: work(run))
            except (UserError, OSError, sqlite3.Error) as error:
                self.console.ends_awaited.discard(run.id)
                return f"{display.literal(name)}: {display.literal(display.told(error))}"
            finally:
                self._asked.discard((run.id, verb))
            return ""

        answers = await asyncio.gather(*(one(run, name) for run, name in chosen))
        self.tell_several(DONE[verb], [answer for answer in answers if answer], len(chosen))
        if self.is_open:
            self.wake()

    def tell_several(self, done: str, problems: list[str], number: int, hint: str = "") -> None:
        """Say in one toast to how many of several runs something was done, and what stood in the way of the others."""
        good = number - len(problems)
        text = "\n".join(problems[:MOST_TOLD] + (["…"] if len(problems) > MOST_TOLD else [])) or hint
        self.app.notify(
            text,
            title=f"{formatting.count(good, 'run')} {done}" + (f", {len(problems)} not" if problems else ""),
            severity="error" if problems else "information",
            timeout=10 if problems else None,
        )

    async def _carry_out(
        self, verb: str, run: Run, name: str, work: Work, outcome: Callable[[dict[str, Any]], str]
    ) -> None:
        try:
            answer = await in_thread(lambda: work(run))
        except (UserError, OSError, sqlite3.Error) as error:
            self.console.ends_awaited.discard(run.id)
            title = f"{verb}: {name}"
            self.app.notify(display.told(error), title=title, severity="error", timeout=10)
        else:
            self.app.notify(outcome(answer), title=_title(verb, name))
        finally:
            self._asked.discard((run.id, verb))
            if self.is_open:
                self.wake()


def allowed(action: str, run: Summary) -> bool:
    """Tell whether one of `ALLOWED` can be done to a run now."""
    helpless = bool(run.follows) or (run.goes_on_by_itself and action in ("continue", "resume"))
    helpless = helpless or (run.script and action in OURS)
    return run.status in ALLOWED[action] and not helpless


def ways_on(app: App[object], run: Summary, saved: bool) -> Content:
    """Return which keys have a run go on, or end it; nothing where none does. saved: whether it has a checkpoint."""
    if run.status in RESUMABLE and not run.script:
        return Content.assemble(key_ink(app, "run.resume"), f" {display.resumes(saved)}.")
    if run.status in WAITING and allowed("continue", run):
        goes_on, stops = (key_ink(app, f"run.{id}") for id in ("continue", "stop"))
        return Content.assemble(goes_on, " goes on, ", stops, " saves and stops.")
    return Content()


def _title(verb: str, name: str) -> str:
    return f"{name}: {DONE[verb]}"


def _saved_at(answer: dict[str, Any]) -> str:
    step = answer.get("step")
    return f"at step {step:,}" if isinstance(step, int) else str(answer.get("message", ""))
