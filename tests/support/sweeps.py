"""A sweep as its driver would have left it, over runs that nobody trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seqsum.config import Config
from seqsum.files import write_json
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum.sweeps.definition import SETTINGS, Setting, Settings, State, Sweep, Wanted, create, folder_of, want
from seqsum.sweeps.space import grid, size, split

Values = Mapping[tuple[str, ...], Sequence[float]]
"""What the seeds of a setting came to, by the setting's values in the order of the fields; NaN for one that failed."""


def finished_sweep(
    workspace: Workspace,
    fields: Mapping[str, str],
    values: Values,
    *,
    states: Mapping[tuple[str, ...], State] | None = None,
    goal: str = "accuracy",
    preset: str = "baseline",
    name: str = "made",
) -> Sweep:
    """Make a sweep over lists whose runs have these last values; settings without an entry are not tried yet."""
    base: Config = load_preset(preset).config
    _, space = split(fields, base)
    seeds = tuple(range(max(len(several) for several in values.values())))
    sweep = create(
        workspace,
        Sweep(
            name=name, preset=preset, config=base.plain(), space=space, seeds=seeds, trials=size(space) or 1,
            sampler="grid", prune="off", goal=goal,
        ),
        named=True,
    )  # fmt: skip
    told = []
    for number, setting in enumerate(grid(space)):
        ends = values.get(tuple(setting.values()))
        if ends is None:
            continue
        group = sweep.group_of(setting)
        for seed, end in enumerate(ends):
            changes = {**setting, "train.seed": str(seed), "track.group": group}
            run = workspace.create(preset, base.changed(changes, "test"), f"{group}-seed-{seed}")
            with run.store() as store:
                failed = math.isnan(end)
                store.append([] if failed else [(goal, 100, end)])
                store.set_state(status="failed" if failed else "finished", step=100, pid=1, updated=1.0)
        state = (states or {}).get(tuple(setting.values()), "complete")
        told.append(Setting(number=number, values=setting, group=group, state=state, value=0.0))
    settings = Settings(settings=tuple(told), finished=len(told) == sweep.trials)
    write_json(folder_of(workspace, sweep.name) / SETTINGS, settings.model_dump(mode="json"))
    want(workspace, sweep.name, Wanted())  # as a driver does that has it
    return sweep
