"""`seqsum sweep`: a preset with many settings and seeds, followed to the end, and which setting is best."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path

from seqsum.cli.engine import say_command
from seqsum.cli.follow import end_status, overall_bar
from seqsum.cli.many import agree_to_start
from seqsum.cli.output import say, say_json
from seqsum.cli.replicate import compile_first
from seqsum.cli.sweep_told import (
    say_importance,
    say_list,
    say_results,
    setting_line,
    setting_plain,
    write_results,
)
from seqsum.config import resolved
from seqsum.control.replicate import parse_seeds
from seqsum.errors import UserError
from seqsum.estimate import read_speeds
from seqsum.formatting import count, enumerated, roughly, size
from seqsum.launch import ENGINES, Launcher, launcher_on, read_options
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum.setting_notes import notes
from seqsum.sweeps import steering
from seqsum.sweeps.definition import (
    Sweep,
    Wanted,
    create,
    extended,
    read,
    rewrite,
    status_of,
    want,
)
from seqsum.sweeps.driver import AHEAD, Driver
from seqsum.sweeps.file import read_sweep_file
from seqsum.sweeps.making import cost_of, plan
from seqsum.sweeps.optuna_study import library
from seqsum.sweeps.space import MOST_SETTINGS, PRUNERS, SAMPLERS, briefly, split
from seqsum.text import printable
from seqsum.training.backends.fused_support import why_not_fused

POLL_SECONDS = 0.05
DEFAULT_SEEDS = "4"
ACTIONS = ("resume", "show", "importance", "pause", "stop", "list")


def sweep(options: argparse.Namespace) -> int:
    """Exit status: 0 when all settings were tried, else that of what stopped it; see `follow.end_status`."""
    workspace = Workspace(options.workspace)
    action = _action(options)
    if action in (None, "resume"):
        library()
    if action == "list":
        return say_list(workspace, options.json)
    if action == "show":
        found = read(workspace, options.show)
        if options.output:
            write_results(workspace, found, Path(options.output), force=options.force, as_json=options.json)
        else:
            say_results(workspace, found, options.json)
        return 0
    if action == "importance":
        say_importance(workspace, read(workspace, options.importance), options.json)
        return 0
    if action in ("pause", "stop"):
        return _steer(workspace, getattr(options, action), action, options.json)
    if action == "resume":
        options.signals.unbegun = f"sweep: nothing has begun; {_way_on(options.resume)}"
        before = read(workspace, options.resume)
        made = _as_asked(workspace, before, options)
        with closing(_launcher(workspace, made)) as launcher:
            if status_of(workspace, before) not in steering.DRIVEN:
                _check_reached(launcher)
        if made != before:
            rewrite(workspace, made)
        more = _more_words(before, made)
        state = steering.go_on(workspace, made.name)
        if state in steering.DRIVEN:
            goes_on = "goes on after its pause" if state == "paused" else "runs on" if more else "runs already"
            way_out = f"seqsum sweep --show {made.name} tells how far it is, --stop {made.name} ends it"
            _tell(options.json, made, f"{more}{goes_on}; {way_out}")
            return 0
    else:
        made, more = _made(workspace, options), ""
        if options.dry_run:
            return 0
    if options.detach:
        steering.drive_beside(workspace, made.name)
        _tell(options.json, made, f"{more}goes on by itself; seqsum sweep --show {made.name} tells how far it is")
        return 0
    return _drive(workspace, made, options)


def _as_asked(workspace: Workspace, made: Sweep, options: argparse.Namespace) -> Sweep:
    """Return a sweep that is resumed with what was typed, not written down yet.

    Raises UserError for what it can't have, and for another engine while it is driven: its driver has one already.
    """
    trials = None if options.trials is None else _trials(options.trials)
    seeds = None if options.seeds is None else parse_seeds(options.seeds, "sweep")
    found = extended(workspace, made, trials, seeds)
    if not (options.on or options.job):
        return found
    moved = {"on": options.on or made.on, "on_options": read_options(options.job)}
    moves = any(getattr(made, name) != value for name, value in moved.items())
    if moves and status_of(workspace, made) in steering.DRIVEN:
        raise UserError(
            f"sweep: {made.name} has begun already, and keeps where it trains until it is stopped; seqsum sweep --stop "
            f"{made.name} first"
        )
    return found.model_copy(update=moved)


def _more_words(before: Sweep, made: Sweep) -> str:
    """Say what a sweep has more of than before: `has 8 settings and 6 seeds each now, and `; "" where nothing."""
    settings = [count(made.trials, "setting")] if made.trials != before.trials else []
    seeds = [f"{count(len(made.seeds), 'seed')} each"] if made.seeds != before.seeds else []
    return f"has {' and '.join([*settings, *seeds])} now, and " if settings or seeds else ""


def _action(options: argparse.Namespace) -> str | None:
    given = [name for name in ACTIONS if getattr(options, name)]
    if len(given) > 1 or (given and options.preset):
        flags = enumerated([f"--{name}" for name in given], "and")
        raise UserError(f"sweep: {flags} {'stands' if len(given) == 1 else 'stand'} alone, without PRESET")
    if not given and not options.preset:
        raise UserError("sweep: PRESET is missing; see seqsum sweep --help")
    action = given[0] if given else None
    if options.output and action != "show":
        raise UserError("sweep: --output goes with --show: it writes the settings of a sweep to a file")
    if action is None:
        return None
    typed = [name for name in ("sampler", "prune", "goal", "name") if getattr(options, name)]
    if first := next(iter([*typed, *options.changes]), None):
        raise UserError(f"sweep: --{first} does not go with --{action}: what a sweep goes over stays as it began")
    drives = ["dry_run"] if action == "resume" else ["trials", "seeds", "detach", "on", "job", "dry_run"]
    if first := next((name.replace("_", "-") for name in drives if getattr(options, name)), None):
        goes_with = "a new sweep" if first == "dry-run" else "a new sweep or --resume"
        raise UserError(f"sweep: --{first} does not go with --{action}, but with {goes_with}")
    return action


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
    seeds = parse_seeds(options.seeds or DEFAULT_SEEDS, "sweep")
    trials = None if options.trials is None else _trials(options.trials)
    made = plan(
        preset.name, wanted, space, seeds, trials=trials, sampler=options.sampler, prune=options.prune,
        goal=options.goal, name=options.name, on=options.on, on_options=read_options(options.job),
    )  # fmt: skip
    config, task = resolved(wanted, "sweep")
    with closing(_launcher(workspace, made)) as launcher:
        cost = cost_of(wanted, space, made.trials, len(seeds), launcher.capacity(), read_speeds(workspace))
        first = min(cost.runs, AHEAD * launcher.capacity())
        command = launcher.command(workspace.folder, first, config.train, queue=True)
        if not options.dry_run:
            _check_reached(launcher)
    takes = "" if cost.seconds is None else f"about {roughly(cost.seconds)} on an idle machine, "
    takes += f"{size(cost.bytes)}, a guess"
    if not options.dry_run:
        agree_to_start(options, "sweep", cost.runs, takes)
        made = create(workspace, made, named=options.name is not None)
        options.signals.unbegun = f"sweep: {made.name} is stopped before anything has begun; {_way_on(made.name)}"
    if options.json:
        said = made.model_dump(mode="json")
        say_json({"event": "sweep", **{name: said[name] for name in ("name", "preset", "seeds", "trials", "goal")}})
    else:
        say(f"{made.name}: {briefly(space)}")
        settings, each = count(cost.settings, "setting"), count(len(seeds), "seed")
        say(f"  {settings} × {each} = {count(cost.runs, 'run')}, {takes}")
        for note in notes(wanted, task, typed=fixed):
            say(f"  {note.text}")
    say_command(options, launcher, command, cost.runs)
    return made


def _launcher(workspace: Workspace, made: Sweep) -> Launcher:
    return launcher_on(made.on, made.on_options, workspace.folder, warm=True)


def _check_reached(launcher: Launcher) -> None:
    """Raise UserError where a cluster doesn't answer: nothing is left behind then."""
    if launcher.name != "local":
        launcher.warm()


def _trials(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SETTINGS:
        raise UserError(f'sweep: --trials is how many settings to try, 1 to {MOST_SETTINGS:,}; got "{printable(text)}"')
    return int(text)


def _steer(workspace: Workspace, name: str, action: str, as_json: bool) -> int:
    made = read(workspace, name)
    if action == "pause":
        steering.pause(workspace, name)
        _tell(as_json, made, f"starts nothing new; seqsum sweep --resume {name} goes on")
    else:
        steering.stop(workspace, name, "seqsum sweep --stop")
        _tell(as_json, made, f"saves its runs and stops; seqsum sweep --resume {name} goes on")
    return 0


def _tell(as_json: bool, made: Sweep, words: str) -> None:
    if as_json:
        say_json({"event": "message", "sweep": made.name, "message": f"{made.name} {words}"})
    else:
        say(f"{made.name} {words}")


def _way_on(name: str) -> str:
    return f"go on with: seqsum sweep --resume {printable(name)}"


def _drive(workspace: Workspace, made: Sweep, options: argparse.Namespace) -> int:
    as_json, signals = options.json, options.signals
    launcher = _launcher(workspace, made)
    config, task = resolved(made.base, "sweep")
    if config.train.backend != "torch" and why_not_fused(config, task) is None:
        compile_first(as_json)
    launcher.warm()
    try:
        signals.begins()
        with Driver(workspace, made.name, launcher) as driver:
            signals.stops(lambda: want(workspace, made.name, Wanted(stopped=True, cause=signals.cause)))
            # What compares settings at the end takes a second to load, as the first workers do.
            threading.Thread(target=import_module, args=("scipy.stats",), daemon=True).start()
            _follow(driver, as_json, signals)
    finally:
        launcher.close()
        signals.over()
    ended = read(workspace, made.name)
    say_results(workspace, ended, as_json)
    return end_status([status_of(workspace, ended)], signals)


def _follow(driver: Driver, as_json: bool, signals: Sequence[int]) -> None:
    """Look again and again, and show how far it is, until it has ended."""
    told: set[int] = set()
    bar = not as_json and sys.stdout.isatty()
    with overall_bar(driver.sweep.name, shown=bar) as show:
        while True:
            ended = driver.look()
            for number, setting in list(driver.settings.items()):
                if setting.state == "running":
                    told.discard(number)  # it may have been told of with fewer seeds
                elif number not in told:
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
