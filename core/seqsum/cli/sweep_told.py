"""What is said of sweeps: which there are, and what came of one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from seqsum.cli.output import say, say_columns, say_json
from seqsum.compare.significance import interval
from seqsum.formatting import count, metric, p_value
from seqsum.runs import Workspace
from seqsum.sweep.definition import Setting, Sweep, names, read, read_settings, status_of
from seqsum.sweep.results import Result, results
from seqsum.sweep.space import label, plain
from seqsum.text import printable

MOST_NAMED = 4
ENOUGH = 4
"""Seeds from which on the test can give a p below 0.05: of three and three the smallest is 0.1."""


def setting_plain(setting: Setting) -> dict[str, object]:
    return {**setting.model_dump(mode="json"), "value": _finite(setting.value)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def setting_line(setting: Setting, made: Sweep) -> str:
    if setting.state == "failed":
        return printable(f"{label(setting.values)}: failed: {setting.reason}")
    beside = f" ({setting.reason})" if setting.reason else ""
    return printable(f"{label(setting.values)}: median {made.goal} {metric(made.goal, _finite(setting.value))}{beside}")


def say_list(workspace: Workspace, as_json: bool) -> int:
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


def say_results(workspace: Workspace, made: Sweep, as_json: bool) -> None:
    told = results(workspace, made, read_settings(workspace, made.name).settings)
    status = status_of(workspace, made)
    if as_json:
        rows = [
            {
                **setting_plain(one.setting), "runs": list(one.runs), "live": one.live, "converged": one.converged,
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
