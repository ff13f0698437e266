"""What is said of sweeps: which there are, and what came of one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from seqsum.cli.output import complain, say, say_columns, say_json
from seqsum.compare.significance import interval, interval_meaning, interval_title, value_text
from seqsum.errors import UserError
from seqsum.export import write
from seqsum.formatting import count, p_value, percent
from seqsum.runs import Workspace
from seqsum.runs.store import UNREADABLE
from seqsum.sweeps.definition import Setting, Status, Sweep, names, read, read_settings, read_wanted, status_of
from seqsum.sweeps.files import FORMATS, content
from seqsum.sweeps.importance import FEWEST, importances
from seqsum.sweeps.results import Result, best_words, doubt_left, results, runs_words
from seqsum.sweeps.space import briefly, label, plain, short_names
from seqsum.text import printable

LONGEST_SETTING = 40


def setting_plain(setting: Setting) -> dict[str, object]:
    return {**setting.model_dump(mode="json"), "value": _finite(setting.value)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def setting_line(setting: Setting, made: Sweep) -> str:
    if setting.state == "failed":
        return printable(f"{label(setting.values)}: failed: {setting.reason}")
    beside = f" ({setting.reason})" if setting.reason else ""
    return printable(f"{label(setting.values)}: median {made.goal} {value_text(made.goal, setting.value)}{beside}")


def say_list(workspace: Workspace, as_json: bool) -> int:
    found = names(workspace)
    rows = [["SWEEP", "STATUS", "SETTINGS", "SEEDS", "OVER"]]
    for name in found:
        try:
            one = read(workspace, name)
            tried = read_settings(workspace, name).settings
            status = status_of(workspace, one)
        except UserError as error:
            # The others can be read all the same.
            if as_json:
                say_json({"name": name, "status": UNREADABLE, "reason": str(error)})
            rows.append([printable(name), UNREADABLE, "–", "–", printable(error.in_form)])
            continue
        done = sum(setting.state != "running" for setting in tried)
        if as_json:
            facts = {"name": one.name, "status": status, "settings": done, "trials": one.trials}
            say_json({**facts, "seeds": list(one.seeds), "over": plain(one.space)})
        rows.append([one.name, status, f"{done} of {one.trials}", str(len(one.seeds)), printable(briefly(one.space))])
    if not as_json:
        if found:
            say_columns(rows)
        else:
            say(f"no sweeps in {workspace.folder}; start one: seqsum sweep baseline --optim.lr 0.001,0.01")
    return 0


def say_results(workspace: Workspace, made: Sweep, as_json: bool) -> None:
    told = results(workspace, made, read_settings(workspace, made.name).settings)
    status = status_of(workspace, made)
    if as_json:
        rows = [
            {
                **setting_plain(one.setting), "state": one.state, "live": one.live, "runs": list(one.runs),
                "seeds": list(one.seeds), "run_values": list(one.ends),
                "converged": one.converged,
                "sample": None if one.sample is None else dataclasses.asdict(one.sample),
                "against_best": None if one.against is None else dataclasses.asdict(one.against),
            }
            for one in told
        ]  # fmt: skip
        reason = {"reason": why} if (why := read_wanted(workspace, made.name).reason) else {}
        told_json = {"name": made.name, "status": status, **reason, "goal": made.goal, "settings": rows}
        say_json({"event": "swept", **told_json})
        return
    done = sum(one.setting.state != "running" for one in told)
    # Drawn twice, a setting is one.
    many = count(done, "setting") if status == "finished" else f"{done} of {count(made.trials, 'setting')}"
    so_far = "" if status == "finished" or not told else f", {runs_words(told, made)}"
    say(f"{made.name}: {status}, {many}, {count(len(made.seeds), 'seed')} each{so_far}")
    if told:
        _say_table(told, made)
    _say_way_on(workspace, made, status)


def _say_way_on(workspace: Workspace, made: Sweep, status: Status) -> None:
    """Say why a sweep goes on no more, and how it does."""
    if status == "died":
        say("what drove it has ended before all was tried (killed, or the machine went down)")
    elif status == "stopped" and (reason := read_wanted(workspace, made.name).reason):
        say(f"stopped by itself: {printable(reason)}")
    if status in ("died", "stopped", "paused"):
        say(f"go on with: seqsum sweep --resume {made.name}")


def _say_table(told: Sequence[Result], made: Sweep) -> None:
    converged = ["CONVERGED"] * (made.goal == "accuracy")
    # Of long settings each field has a column of its own.
    long = any(len(label(one.setting.values)) > LONGEST_SETTING for one in told)
    fields = short_names([part.path for part in made.space])
    titles = [name.upper() for name in fields.values()] if long else ["SETTING"]
    spread = interval_title(one.sample for one in told)
    table = [[*titles, "SEEDS", f"MEDIAN {made.goal.upper()}", spread.upper(), *converged, "P", ""]]
    for one in told:
        sample, beside = one.sample, one.against
        named = [one.setting.values.get(path, "") for path in fields] if long else [label(one.setting.values)]
        line = [*map(printable, named), f"{sample.n if sample else 0} of {len(made.seeds)}"]
        line.append(value_text(made.goal, one.median))
        line.append("–" if sample is None else interval(made.goal, sample, spread))
        if converged:
            line.append("–" if one.converged is None or sample is None else f"{one.converged} of {sample.n}")
        line.append("–" if beside is None or beside.p is None else p_value(beside.p))
        line.append(_state_words(one))
        table.append(line)
    say_columns(table)
    say(interval_meaning(spread).replace(spread, spread.upper(), 1))
    say("P: beside the first, by the Mann–Whitney test, corrected for how many are compared with it.")
    if doubt := doubt_left(told, made):
        say(doubt)
    if sentence := best_words(told, made):
        say(printable(sentence))


def _state_words(one: Result) -> str:
    if one.setting.state == "complete":
        return ""
    if one.state == "running":
        return f"{one.live} under way" if one.live else "under way"
    return printable(f"{one.state}: {one.setting.reason}" if one.setting.reason else one.state)


def say_importance(workspace: Workspace, made: Sweep, as_json: bool) -> None:
    told = importances(made, results(workspace, made, read_settings(workspace, made.name).settings))
    if as_json:
        say_json({"event": "importance", "sweep": made.name, "importance": told})
    elif not told:
        say(f"{made.name}: too few settings are done to tell which field decides: {FEWEST} that differ are needed")
    else:
        say_columns([["FIELD", "SHARE"], *([path, percent(share)] for path, share in told.items())])
        say("Of the differences between settings, by functional ANOVA over their ranks.")


def write_results(workspace: Workspace, made: Sweep, path: Path, *, force: bool, as_json: bool) -> None:
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise UserError(f"sweep: {printable(str(path))}: name a file that ends in .{', .'.join(FORMATS)}")
    told = results(workspace, made, read_settings(workspace, made.name).settings)
    written, messages = content(made, told, "settings", format)
    for message in messages:
        complain(f"sweep: {message}")
    write(path, written, force)
    if as_json:
        say_json({"event": "message", "sweep": made.name, "path": str(path), "bytes": len(written)})
    else:
        say(f"{made.name}: {count(len(told), 'setting')} in {printable(str(path))}, {count(len(written), 'byte')}")
