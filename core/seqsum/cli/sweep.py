"""`seqsum sweep`: a preset with many settings and seeds, followed to the end, and which setting is best."""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from seqsum.cli.follow import stopping
from seqsum.cli.output import say, say_columns, say_json
from seqsum.cli.replicate import compile_first
from seqsum.compare.significance import interval
from seqsum.config import Config, resolved
from seqsum.control.replicate import parse_seeds
from seqsum.errors import ConfigError, UserError
from seqsum.estimate import estimate, read_speeds
from seqsum.formatting import count, enumerated, metric, p_value, roughly
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.run import said_status
from seqsum.setting_notes import notes
from seqsum.sweep.definition import (
    PRUNERS,
    SAMPLERS,
    Setting,
    Sweep,
    Wanted,
    check_name,
    create,
    extend,
    names,
    read,
    read_settings,
    read_wanted,
    status_of,
    want,
)
from seqsum.sweep.driver import Driver
from seqsum.sweep.file import read_sweep_file
from seqsum.sweep.optuna_study import library
from seqsum.sweep.results import Result, results
from seqsum.sweep.space import check_size, label, plain, split
from seqsum.tasks import AnyTask
from seqsum.text import printable
from seqsum.training.backends.fused_support import check_backend, why_not_fused
from seqsum.training.early_stopping import check_best

POLL_SECONDS = 0.05
MOST_NAMED = 4
BEGIN_SECONDS = 60.0
ENOUGH = 4
"""Seeds from which on the test can give a p below 0.05: of three and three the smallest is 0.1."""
START_SECONDS = 0.4
"""What a run takes beside its training: a process is forked, and its files are written."""
DEFAULT_SEEDS = "4"
ACTIONS = ("resume", "show", "pause", "stop", "list")


def sweep(options: argparse.Namespace) -> int:
    """Exit status: 0 when all settings were tried, 1 when it was stopped before."""
    workspace = Workspace(options.workspace)
    action = _action(options)
    if action in (None, "resume"):
        library()
    if action == "list":
        return _say_list(workspace, options.json)
    if action == "show":
        found = read(workspace, options.show)
        _say_results(workspace, found, options.json)
        return 0
    if action in ("pause", "stop"):
        return _steer(workspace, getattr(options, action), action, options.json)
    if action == "resume":
        made = read(workspace, options.resume)
        if options.trials is not None:
            made = extend(workspace, made, _trials(options.trials))
        state = status_of(workspace, made)
        want(workspace, made.name, Wanted())
        if state in ("running", "paused"):
            _tell(options.json, made, "resumed" if state == "paused" else "is being driven already")
            return 0
    else:
        made = _made(workspace, options)
    if options.detach:
        _detach(workspace, made)
        _tell(options.json, made, f"goes on by itself; seqsum sweep --show {made.name} tells how far it is")
        return 0
    return _drive(workspace, made, options.json)


def _action(options: argparse.Namespace) -> str | None:
    given = [name for name in ACTIONS if getattr(options, name)]
    if len(given) > 1 or (given and options.preset):
        flags = enumerated([f"--{name}" for name in given], "and")
        raise UserError(f"sweep: {flags} {'stands' if len(given) == 1 else 'stand'} alone, without PRESET")
    if not given and not options.preset:
        raise UserError("sweep: PRESET is missing; see seqsum sweep --help")
    typed = [name for name in ("seeds", "sampler", "prune", "goal", "name") if getattr(options, name)]
    typed += [name for name in ("trials", "detach") if getattr(options, name) and given != ["resume"]]
    if given and (options.changes or typed):
        first = next(iter([*typed, *options.changes]))
        raise UserError(f"sweep: --{first} does not go with --{given[0]}: what a sweep goes over stays as it began")
    return given[0] if given else None


def _with_file(options: argparse.Namespace) -> None:
    """Take what a sweep's file says; what is typed as well goes before it."""
    said = read_sweep_file(Path(options.preset)) if options.preset.endswith(".toml") else None
    if said is None:
        return
    for word, text in said.words.items():
        if word == "preset" or getattr(options, word) is None:
            setattr(options, word, text)
    for name, known in (("sampler", SAMPLERS), ("prune", PRUNERS)):
        if getattr(options, name) not in (None, *known):
            raise UserError(
                f'sweep: {name} must be one of {", ".join(known)}, got "{printable(getattr(options, name))}"'
            )
    options.changes = {**said.changes, **options.changes}


def _made(workspace: Workspace, options: argparse.Namespace) -> Sweep:
    _with_file(options)
    preset = load_preset(options.preset)
    fixed, space = split(options.changes, preset.config)
    wanted = preset.config.changed(fixed, "sweep")
    config, task = resolved(wanted, "sweep")
    measured = task.measured_by() or ()
    goal = options.goal or ("accuracy" if "accuracy" in measured else wanted.train.best_metric)
    _check_goal(config, goal, task)
    check_backend(config, task, "sweep")
    seeds = parse_seeds(options.seeds or DEFAULT_SEEDS, "sweep")
    endless = any(part.kind == "range" for part in space)
    sampler = options.sampler or ("tpe" if endless else "grid")
    trials = check_size(space, None if options.trials is None else _trials(options.trials), sampler)
    made = create(
        workspace,
        Sweep(
            name=check_name(options.name) if options.name else _name_after(preset.name),
            preset=preset.name,
            config=wanted.plain(),
            space=space,
            seeds=tuple(seeds),
            trials=trials,
            sampler=sampler,
            prune=options.prune or "off",
            goal=goal,
        ),
        named=options.name is not None,
    )
    many = trials * len(seeds)
    known = estimate(config, read_speeds(workspace)).seconds
    each = None if known is None else (known + START_SECONDS) / WarmLauncher().capacity()
    told = "" if each is None else f", about {roughly(each * many)}, a guess"
    if options.json:
        said = made.model_dump(mode="json")
        say_json({"event": "sweep", **{name: said[name] for name in ("name", "preset", "seeds", "trials", "goal")}})
    else:
        over = ", ".join(f"{path} {text}" for path, text in plain(space).items())
        say(f"{made.name}: {over}")
        say(f"  {count(trials, 'setting')} × {count(len(seeds), 'seed')} = {count(many, 'run')}{told}")
        for note in notes(wanted, task, typed=fixed):
            say(f"  {note.text}")
    return made


def _check_goal(config: Config, goal: str, task: AnyTask) -> None:
    changed = {"train.best_metric": goal, "train.stopping_threshold": "off"}
    try:
        check_best(config.changed(changed, "sweep"), "sweep", task)
    except ConfigError as error:
        raise UserError(f"sweep: --goal: {error.problems[0][1]}") from None


def _name_after(preset: str) -> str:
    """Return what a sweep is called after its preset, whose file may be called anything."""
    return f"{re.sub('[^A-Za-z0-9_.-]+', '-', preset).strip('-._')[:50] or 'own'}-sweep"


def _trials(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise UserError(f'sweep: --trials is how many settings to try, 1 to 10,000; got "{printable(text)}"')
    return int(text)


def _detach(workspace: Workspace, made: Sweep) -> None:
    command = [sys.executable, "-P", "-m", "seqsum.cli", "--workspace", str(workspace.folder), "--json"]
    process = subprocess.Popen(
        [*command, "sweep", "--resume", made.name],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + BEGIN_SECONDS
    while status_of(workspace, made) not in ("running", "paused", "finished") and time.monotonic() < deadline:
        if process.poll():
            raise UserError(f"sweep: {made.name} could not be driven; seqsum sweep --resume {made.name} says why")
        time.sleep(POLL_SECONDS)


def _steer(workspace: Workspace, name: str, action: str, as_json: bool) -> int:
    made = read(workspace, name)
    state = status_of(workspace, made)
    if state == "finished":
        raise UserError(f"sweep: {name} is finished: there is nothing left to {action}")
    if state == "died" and action == "stop":
        _stop_runs(workspace, made)
    elif state not in ("running", "paused"):
        raise UserError(f"sweep: {name} {said_status(state)}: nothing drives it; seqsum sweep --resume {name} goes on")
    before = read_wanted(workspace, name)
    changed = {"paused": True} if action == "pause" else {"stopped": True}
    want(workspace, name, before.model_copy(update=changed))
    if action == "pause":
        _tell(as_json, made, f"starts nothing new; seqsum sweep --resume {name} goes on")
    else:
        _tell(as_json, made, f"saves its runs and stops; seqsum sweep --resume {name} goes on")
    return 0


def _stop_runs(workspace: Workspace, made: Sweep) -> None:
    """Stop what a driver left running that was killed."""
    groups = {one.group for one in read_settings(workspace, made.name).settings}
    for summary in workspace.summaries():
        if summary.group in groups and summary.live:
            with Run(workspace.folder / summary.id).store() as store:
                store.post_command("stop")


def _tell(as_json: bool, made: Sweep, words: str) -> None:
    if as_json:
        say_json({"event": "message", "sweep": made.name, "message": f"{made.name} {words}"})
    else:
        say(f"{made.name} {words}")


def _drive(workspace: Workspace, made: Sweep, as_json: bool) -> int:
    launcher = WarmLauncher()
    config, task = resolved(made.base, "sweep")
    if config.train.backend != "torch" and why_not_fused(config, task) is None:
        compile_first(as_json)
    launcher.warm()
    try:
        with (
            Driver(workspace, made.name, launcher) as driver,
            stopping(lambda: want(workspace, made.name, Wanted(stopped=True))) as signals,
        ):
            _follow(driver, as_json, signals)
    finally:
        launcher.close()
    _say_results(workspace, read(workspace, made.name), as_json)
    if signals and not as_json:
        say(f"go on with: seqsum sweep --resume {made.name}")
    return 1 if signals or read_wanted(workspace, made.name).stopped else 0


def _follow(driver: Driver, as_json: bool, signals: Sequence[int]) -> None:
    """Look again and again, and show how far it is, until it has ended."""
    told: set[int] = set()
    bar = not as_json and sys.stdout.isatty()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[numbers]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(highlight=False), disable=not bar) as progress:
        line = progress.add_task(driver.sweep.name, total=1.0, numbers="")
        while True:
            ended = driver.look()
            for number, setting in list(driver.settings.items()):
                if setting.state != "running" and number not in told:
                    told.add(number)
                    if as_json:
                        say_json({"event": "setting", **_plain(setting)})
                    elif not bar:
                        say(f"  {_line(setting, driver.sweep)}")
            done = sum(setting.state != "running" for setting in driver.settings.values())
            words = "stopping" if signals else f"{done} of {driver.sweep.trials} settings"
            progress.update(line, completed=done / max(driver.sweep.trials, 1), numbers=words)
            if ended:
                return
            time.sleep(POLL_SECONDS)


def _plain(setting: Setting) -> dict[str, object]:
    return {**setting.model_dump(mode="json"), "value": _finite(setting.value)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _line(setting: Setting, made: Sweep) -> str:
    if setting.state == "failed":
        return printable(f"{label(setting.values)}: failed: {setting.reason}")
    beside = f" ({setting.reason})" if setting.reason else ""
    return printable(f"{label(setting.values)}: median {made.goal} {metric(made.goal, _finite(setting.value))}{beside}")


def _say_list(workspace: Workspace, as_json: bool) -> int:
    found = [read(workspace, name) for name in names(workspace)]
    rows = [["SWEEP", "STATUS", "SETTINGS", "SEEDS", "OVER"]]
    for one in found:
        tried = read_settings(workspace, one.name).settings
        done = sum(setting.state != "running" for setting in tried)
        status = status_of(workspace, one)
        if as_json:
            facts = {"name": one.name, "status": status, "settings": done, "trials": one.trials}
            say_json({**facts, "seeds": list(one.seeds), "over": plain(one.space)})
        over = ", ".join(f"{path} {text}" for path, text in plain(one.space).items())
        rows.append([one.name, status, f"{done} of {one.trials}", str(len(one.seeds)), printable(over)])
    if not as_json:
        if found:
            say_columns(rows)
        else:
            say(f"no sweeps in {workspace.folder}; start one: seqsum sweep baseline --optim.lr 0.001,0.01")
    return 0


def _say_results(workspace: Workspace, made: Sweep, as_json: bool) -> None:
    told = results(workspace, made, read_settings(workspace, made.name).settings)
    status = status_of(workspace, made)
    if as_json:
        rows = [
            {
                **_plain(one.setting), "runs": list(one.runs), "live": one.live, "converged": one.converged,
                "sample": None if one.sample is None else dataclasses.asdict(one.sample),
                "against_best": None if one.against is None else dataclasses.asdict(one.against),
            }
            for one in told
        ]  # fmt: skip
        say_json({"event": "swept", "name": made.name, "status": status, "goal": made.goal, "settings": rows})
        return
    done = sum(one.setting.state != "running" for one in told)
    # Drawn twice, a setting is one.
    many = count(done, "setting") if status == "finished" else f"{done} of {count(made.trials, 'setting')}"
    say(f"{made.name}: {status}, {many}, {count(len(made.seeds), 'seed')} each")
    if not told:
        return
    converged = ["CONVERGED"] * (made.goal == "accuracy")
    table = [["SETTING", "SEEDS", f"MEDIAN {made.goal.upper()}", "95% INTERVAL", *converged, "P", ""]]
    for one in told:
        sample, beside = one.sample, one.against
        line = [printable(label(one.setting.values)), f"{sample.n if sample else 0} of {len(made.seeds)}"]
        line.append("–" if sample is None else metric(made.goal, sample.median))
        line.append("–" if sample is None else interval(made.goal, sample))
        if converged:
            line.append("–" if one.converged is None or sample is None else f"{one.converged} of {sample.n}")
        line.append("–" if beside is None or beside.p is None else p_value(beside.p))
        line.append(_state_words(one))
        table.append(line)
    say_columns(table)
    say("P: beside the first, by the Mann–Whitney test, corrected for how many settings there are.")
    if len(made.seeds) < ENOUGH:
        say(f"With fewer than {ENOUGH} seeds each, no difference can be told from chance.")
    if sentence := _best_words(told, made):
        say(sentence)


def _state_words(one: Result) -> str:
    if one.setting.state == "complete":
        return ""
    if one.setting.state == "running":
        return f"{one.live} under way" if one.live else "not ended"
    return printable(f"{one.setting.state}: {one.setting.reason}" if one.setting.reason else one.setting.state)


def _best_words(told: Sequence[Result], made: Sweep) -> str:
    """Say which setting is best, and of which others nobody can say that they are worse."""
    complete = [one for one in told if one.setting.state == "complete" and one.sample is not None]
    if not complete or complete[0].sample is None:
        return ""
    best, others = complete[0], complete[1:]
    value = f"median {made.goal} {metric(made.goal, complete[0].sample.median)}"
    begin = f"best: {label(best.setting.values)}, {value} over {count(complete[0].sample.n, 'seed')}"
    if not others:
        return printable(begin)
    alike = [one for one in others if one.against is None or not (one.against.sure and one.against.improvement < 0.5)]
    if not alike:
        return printable(f"{begin}; better than every other")
    named = "; ".join(label(one.setting.values) for one in alike[:MOST_NAMED])
    more = f"; and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    return printable(f"{begin}\n{count(len(alike), 'other setting')} may be as good: {named}{more}")
