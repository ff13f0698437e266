"""The settings that count with a preset, or with a run that is forked, as sections of a help page."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable

from seqsum.cli.page import Rows
from seqsum.config import Config, section_type
from seqsum.control.fork_rewind import can_change
from seqsum.errors import ConfigError
from seqsum.presets import load_preset
from seqsum.registry import MODELS, TASKS, task_type
from seqsum.runs import Workspace
from seqsum.schema import FieldFacts, as_text, fields_of

KINDS = {"int": "whole number", "float": "number", "bool": "true or false", "list": "words, separated by commas"}


def settings(options: argparse.Namespace) -> tuple[str, list[Rows], str]:
    """Return a heading, the sections, and what is wrong with the changes that were typed.

    Nothing is in them where neither preset nor run is named. Raises UserError when there is no such preset or run.
    """
    allowed: Callable[[str], bool] = bool
    if options.command == "fork" and options.run is not None:
        run = Workspace(options.workspace).find(options.run)
        heading, config, allowed = (
            f"What a fork of {run.name} can change, with the values of now",
            run.config(),
            can_change,
        )
    elif options.command != "fork" and options.preset is not None:
        preset = load_preset(options.preset)
        heading, config = f"Settings of {preset.name}, with its values", preset.config
    elif options.all:
        heading, config = "Every setting, with its default", Config()
    else:
        return "", [], ""
    problem = ""
    try:
        config = config.changed(options.changes, options.command)
    except ConfigError as error:
        problem, wrong = str(error), {path for path, _ in error.problems}
        with contextlib.suppress(ConfigError):
            right = {path: value for path, value in options.changes.items() if path not in wrong}
            config = config.changed(right, options.command)
    sections = used_sections(config, allowed)
    if options.all:
        sections += other_sections(config, allowed)
    return heading, sections, problem


def used_sections(config: Config, allowed: Callable[[str], bool]) -> list[Rows]:
    """The fields that count with this task, model, optimizer and schedule; the basic ones first, in a section of their
    own."""
    used = [facts for facts in config.used_fields() if allowed(facts.path)]
    basic = [facts for facts in used if config.is_basic(facts)]
    sections = [Rows("Basics", [_row(facts, config.value(facts.path)) for facts in basic])]
    for name in Config.model_fields:
        rest = [facts for facts in used if facts.section == name and facts not in basic]
        sections.append(Rows(name, [_row(facts, config.value(facts.path)) for facts in rest], _words(name, config)))
    return sections


def other_sections(config: Config, allowed: Callable[[str], bool]) -> list[Rows]:
    """The fields that count with other choices, with their defaults; and those of other tasks and models."""
    used = {facts.path for facts in config.used_fields()}
    rest = [facts for facts in config.fields() if facts.path not in used and allowed(facts.path)]
    rows = [_row(facts, config.value(facts.path), condition(facts)) for facts in rest]
    sections = [Rows("Without effect here", rows, "until other settings are chosen")]
    for section, names in (("task", TASKS), ("model", MODELS)):
        for name in names:
            if name != getattr(config, section).name and allowed(f"{section}.name"):
                facts_of = fields_of(section, section_type(section, {"name": name}))
                rows = [_row(facts, facts.default) for facts in facts_of if facts.name != "name"]
                sections.append(Rows(section, rows, f"with --{section}.name {name}"))
    return sections


def _row(facts: FieldFacts, value: object, when: str = "") -> tuple[str, str, str]:
    notes = "; ".join(filter(None, (kind_of(facts), when)))
    return f"--{facts.path}", as_text(value) or '""', f"{facts.description} ({notes})"


def kind_of(facts: FieldFacts) -> str:
    """What a field takes, in words: its kind, bounds and unit."""
    kind = f"one of {', '.join(facts.choices)}" if facts.choices else KINDS.get(facts.kind, "text")
    bounds = " ".join(filter(None, (facts.bounds, facts.unit)))
    return ", ".join(filter(None, (kind, bounds, facts.instead)))


def condition(facts: FieldFacts) -> str:
    """With which other settings a field counts, in words."""
    return " and ".join(f"counts when {path} is {' or '.join(values)}" for path, values in facts.used_when)


def _words(section: str, config: Config) -> str:
    if section == "task":
        return f"{config.task.name}: {task_type(config.task.name).title}"
    if section == "model":
        return config.model.name
    return " ".join((type(getattr(config, section)).__doc__ or "").split()).rstrip(".")
