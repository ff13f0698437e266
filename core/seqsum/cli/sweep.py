"""`seqsum sweep`: a preset with many settings and seeds, followed to the end, and which setting is best."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from seqsum.cli.engine import say_command
from seqsum.cli.follow import overall_bar, stopping
from seqsum.cli.output import say, say_json
from seqsum.cli.replicate import compile_first
from seqsum.cli.sweep_told import say_list, say_results, setting_line, setting_plain
from seqsum.config import Config, resolved
from seqsum.control.replicate import parse_seeds
from seqsum.errors import ConfigError, UserError
from seqsum.estimate import estimate, read_speeds
from seqsum.formatting import count, enumerated, roughly
from seqsum.launch import ENGINES, Launcher, launcher_on, read_options
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.run import said_status
from seqsum.setting_notes import notes
from seqsum.sweep.definition import (
    Sweep,
    Wanted,
    check_name,
    create,
    extend,
    read,
    read_settings,
    read_wanted,
    rewrite,
    status_of,
    want,
)
from seqsum.sweep.driver import AHEAD, Driver
from seqsum.sweep.file import read_sweep_file
from seqsum.sweep.optuna_study import library
from seqsum.sweep.space import PRUNERS, SAMPLERS, plain, split, trials_of
from seqsum.tasks import AnyTask
from seqsum.text import printable
from seqsum.training.backends.fused_support import check_backend, why_not_fused
from seqsum.training.early_stopping import check_best

POLL_SECONDS = 0.05
BEGIN_SECONDS = 60.0
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
        return say_list(workspace, options.json)
    if action == "show":
        found = read(workspace, options.show)
        say_results(workspace, found, options.json)
        return 0
    if action in ("pause", "stop"):
        return _steer(workspace, getattr(options, action), action, options.json)
    if action == "resume":
        made = read(workspace, options.resume)
        if options.trials is not None:
            made = extend(workspace, made, _trials(options.trials))
        if options.on or options.job:
            moved = {"on": options.on or made.on, "on_options": read_options(options.job)}
            made = made.model_copy(update=moved)
            _launcher(workspace, made).close()  # can it be had?
            rewrite(workspace, made)
        state = status_of(workspace, made)
        want(workspace, made.name, Wanted())
        if state in ("running", "paused"):
            _tell(options.json, made, "resumed" if state == "paused" else "is being driven already")
            return 0
    else:
        made = _made(workspace, options)
        if options.dry_run:
            return 0
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
    resumes = given == ["resume"]
    typed += [name for name in ("trials", "detach", "on", "job") if getattr(options, name) and not resumes]
    typed += [name for name in ("dry_run",) if getattr(options, name)]
    if given and (options.changes or typed):
        first = next(iter([*(name.replace("_", "-") for name in typed), *options.changes]))
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
    for name, known in (("sampler", SAMPLERS), ("prune", PRUNERS), ("on", ENGINES)):
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
    trials = trials_of(space, None if options.trials is None else _trials(options.trials), sampler)
    made = Sweep(
        name=check_name(options.name) if options.name else _name_after(preset.name),
        preset=preset.name,
        config=wanted.plain(),
        space=space,
        seeds=tuple(seeds),
        trials=trials,
        sampler=sampler,
        prune=options.prune or "off",
        goal=goal,
        on=options.on or "local",
        on_options=read_options(options.job),
    )
    many = trials * len(seeds)
    with closing(_launcher(workspace, made)) as launcher:
        side_by_side = launcher.capacity()
        command = launcher.command(workspace.folder, min(many, AHEAD * side_by_side), config.train.threads, queue=True)
    if not options.dry_run:
        made = create(workspace, made, named=options.name is not None)
    known = estimate(config, read_speeds(workspace)).seconds
    each = None if known is None else (known + START_SECONDS) / side_by_side
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
    say_command(options, launcher, command, many)
    return made


def _launcher(workspace: Workspace, made: Sweep) -> Launcher:
    return launcher_on(made.on, made.on_options, workspace.folder, warm=True)


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
    launcher = _launcher(workspace, made)
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
    say_results(workspace, read(workspace, made.name), as_json)
    if signals and not as_json:
        say(f"go on with: seqsum sweep --resume {made.name}")
    return 1 if signals or read_wanted(workspace, made.name).stopped else 0


def _follow(driver: Driver, as_json: bool, signals: Sequence[int]) -> None:
    """Look again and again, and show how far it is, until it has ended."""
    told: set[int] = set()
    bar = not as_json and sys.stdout.isatty()
    with overall_bar(driver.sweep.name, shown=bar) as show:
        while True:
            ended = driver.look()
            for number, setting in list(driver.settings.items()):
                if setting.state != "running" and number not in told:
                    told.add(number)
                    if as_json:
                        say_json({"event": "setting", **setting_plain(setting)})
                    elif not bar:
                        say(f"  {setting_line(setting, driver.sweep)}")
            done = sum(setting.state != "running" for setting in driver.settings.values())
            words = "stopping" if signals else f"{done} of {driver.sweep.trials} settings"
            show(done / driver.sweep.trials, words)
            if ended:
                return
            time.sleep(POLL_SECONDS)
