"""A run that is not started yet: a preset, what the person changed on top of it, and a name. No screen in here."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqsum.config import Config, section_type
from seqsum.control.replicate import MOST_SEEDS, OWN_FIELDS, group_name
from seqsum.errors import ConfigError, UserError
from seqsum.folders import default_workspace
from seqsum.presets import DEFAULT_PRESET, Preset, all_presets, load_preset
from seqsum.runs.annotations import check_typed_name
from seqsum.schema import FieldFacts, as_text
from seqsum.setting_notes import notes
from seqsum.sweeps.definition import check_name, free_name
from seqsum.sweeps.file import SweepFile
from seqsum.sweeps.making import name_after
from seqsum.sweeps.space import AS_ONE, MOST_SETTINGS, OWN, Choices, Range, Space, part_of, size, split

SOURCE = "form"
TRIALS = 20
"""Settings that a sweep over a range tries, unless a person says otherwise."""
KINDS = ("task.name", "model.name")


class RunDraft:
    """What a form edits. Fields hold the text a person typed; every change is checked against the whole schema.

    fields: those that the present configuration uses, in the schema's order: another task, model, optimizer or schedule
        brings others. Changes to fields that it does not use are kept aside, and count again when it does.
    config: the whole configuration, or None while any field is wrong.
    base: the preset's configuration, in the shape of the present one.
    space: what a sweep goes over, where fields have several values; else empty. In `config` the preset's values stand
        there. While a field is wrong, it is what could be read of it.
    problems: path → reason for each wrong field, in the form's order.
    changes: paths of the fields whose value is not the preset's, in the form's order.
    files: by the preset's name, the path of a preset that was read from a file of the person's own.
    """

    fields: tuple[FieldFacts, ...]
    config: Config | None
    space: Space
    base: Config
    problems: Mapping[str, str]
    changes: tuple[str, ...]

    def __init__(self, preset: Preset, config: Config | None = None) -> None:
        self.preset = preset
        self.name = ""
        self.seeds_typed = "1"
        self.trials_typed = str(TRIALS)
        self.files: dict[str, str] = {}
        self.taken: Collection[str] = ()
        """Names that sweeps of the workspace have."""
        self._typed: dict[str, str] = {}
        self._several: set[str] = set()
        self._swept: frozenset[str] = frozenset()
        if config is not None:
            differing = config.differences(preset.config)
            self._typed = {path: mine for path, (mine, _) in differing.items()}
        self._begun = dict(self._typed)
        self._check()

    @property
    def name_problem(self) -> str | None:
        """Why the name can't be used; an empty name is fine, the run is then called after its preset."""
        if not self.name.strip():
            return None
        try:
            if self.sweeps and check_name(self.name.strip()) in self.taken:
                return f'there is a sweep "{self.name.strip()}" already'
            check_typed_name(self.name, "it has a line of its own in the form")
        except UserError as error:
            return error.in_form
        return None

    @property
    def seeds(self) -> int:
        """How many runs are to be started, each with a seed of its own; 1 while what is typed is wrong."""
        return 1 if self.seeds_problem or not self.seeds_typed.strip() else int(self.seeds_typed)

    @property
    def seeds_problem(self) -> str | None:
        """Why the number of seeds can't be used; nothing typed means one."""
        text = self.seeds_typed.strip()
        if not text or (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_SEEDS):
            return None
        return f"must be a whole number from 1 to {MOST_SEEDS}"

    @property
    def sweeps(self) -> bool:
        """Whether a sweep is asked for: a field has several values, right or wrong."""
        return bool(self._swept)

    @property
    def called(self) -> str:
        """What it is called when no name is typed."""
        return free_name(name_after(self.preset.name), self.taken) if self.sweeps else self.preset.name

    @property
    def endless(self) -> bool:
        """Whether a range is swept: then the number of settings to try is a person's choice."""
        return any(isinstance(part, Range) for part in self.space)

    @property
    def trials(self) -> int:
        """How many settings a sweep tries; of lists all."""
        if self.endless:
            return TRIALS if self.trials_problem else int(self.trials_typed)
        return size(self.space) or 1

    @property
    def trials_problem(self) -> str | None:
        """Why the number of settings can't be used."""
        text = self.trials_typed.strip()
        if self.endless and not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_SETTINGS):
            return f"must be a whole number from 1 to {MOST_SETTINGS:,}"
        if not self.endless and (size(self.space) or 0) > MOST_SETTINGS:
            return f"{size(self.space):,} settings are more than the {MOST_SETTINGS:,} that a sweep tries"
        return None

    @property
    def wrong(self) -> int:
        """How many things stand in the way of a start: wrong fields, name, numbers of seeds or of settings."""
        told = self.name_problem, self.seeds_problem, self.trials_problem
        return len(self.problems) + sum(problem is not None for problem in told)

    @property
    def touched(self) -> int:
        """How many fields the person changed since the draft was made: what leaving would lose."""
        places = self._begun.keys() | set(self.changes)
        return sum(self._typed.get(path) != self._begun.get(path) for path in places)

    @property
    def kept_aside(self) -> int:
        """How many changes belong to fields that are not used now."""
        here = {facts.path for facts in self.fields}
        return sum(path not in here for path in self._typed)

    def text(self, path: str) -> str:
        """The field's value as typed, or as the preset has it."""
        return self._typed[path] if path in self._typed else self.preset_text(path)

    def note(self, path: str) -> str | None:
        """What is to be said of a field's value, as far as that needs no data."""
        told = () if self.config is None else notes(self.config)
        return next((note.text for note in told if note.path == path), None)

    def preset_text(self, path: str) -> str:
        """The preset's value of the field, as a person types it; a field the preset has not shows its default."""
        return as_text(self._theirs(path))

    def set(self, path: str, text: str) -> None:
        """Change a field; text equal to the preset's takes the change back."""
        if text == self.preset_text(path):
            self._typed.pop(path, None)
        else:
            self._typed[path] = text
        self._check()

    def may_be_several(self, path: str) -> str | None:
        """Say why a field can't have several values in a sweep; None where it can."""
        facts = next((one for one in self.fields if one.path == path), None)
        if facts is None or facts.kind == "list" or path in AS_ONE:
            return "This field has one value in a run."
        if path in KINDS:
            return "Only seqsum sweep on the command line goes over this."
        return f"It {OWN[path]}." if path in OWN else None

    def take_several(self, path: str, text: str) -> None:
        """Have a sweep go over several values of a field, typed as a list or a range; of a single one, set it.

        Raises UserError for what is neither, or holds a value that the field can't have.
        """
        part = self.read_several(path, text)
        self._several = self._several - {path} if part is None else self._several | {path}
        self.set(path, text.strip())

    def read_several(self, path: str, text: str) -> Choices | Range | None:
        """Return what a list or a range of a field's values means, None for a single one.

        Raises UserError, in a sentence, for what is neither, or holds a value that the field can't have.
        """
        try:
            _, space = split({path: text}, self.config or self.base, SOURCE)
        except ConfigError as error:
            told = [reason if wrong == path else f"{wrong}: {reason}" for wrong, reason in error.problems]
            raise UserError("; ".join(told)) from None
        return next(iter(space), None)

    def is_several(self, path: str) -> bool:
        """Whether a sweep goes over the field."""
        return path in self._swept

    def reset(self, path: str) -> None:
        """Give the field the preset's value again."""
        self._typed.pop(path, None)
        self._check()

    def reset_all(self) -> dict[str, str]:
        """Give every field the preset's value; returns what was dropped, for `restore`."""
        dropped, self._typed = self._typed, {}
        self._check()
        return dropped

    def restore(self, dropped: Mapping[str, str]) -> None:
        """Put changes back that `reset_all` dropped."""
        self._typed = {**dropped, **self._typed}
        self._check()

    def choose(self, preset: Preset) -> None:
        """Start from another preset; the person's own changes stay on top of it."""
        self._forget_unchanged()
        self.preset = preset
        self._check()
        self._forget_unchanged()

    @property
    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """(path, the preset's value, the value now) for each change, as text, in the form's order."""
        return tuple((path, self.preset_text(path), self._said(path)) for path in self.changes)

    @property
    def seed_range(self) -> range:
        """The seeds of the runs to be started, from train.seed on."""
        first = 0 if self.config is None else self.config.train.seed
        return range(first, first + self.seeds)

    @property
    def group(self) -> str:
        """The group that runs of several seeds stand in: track.group, else the name, else the preset's."""
        config = self.config or self.preset.config
        name = self.name.strip()
        return config.track.group or name or group_name(self.preset.name, config, self.preset.config)

    def command(self, workspace: Path) -> str:
        """The command line that starts the same run, or the same group of several seeds, quoted for a POSIX shell."""
        several, preset = self.seeds > 1, self.files.get(self.preset.name, self.preset.name)
        if self.sweeps:
            return shlex.join([*self._sweep_words(preset), *_workspace_flag(workspace)])
        words = ["seqsum", "replicate" if several else "train", preset]
        for path in self.changes:
            if not (several and path in OWN_FIELDS):
                words += _flag(f"--{path}", self._said(path))
        if several:
            words += ["--seeds", f"{self.seed_range[0]}-{self.seed_range[-1]}", *_flag("--group", self.group)]
        elif self.name.strip():
            words += _flag("--name", self.name.strip())
        return shlex.join([*words, *_workspace_flag(workspace)])

    def _sweep_words(self, preset: str) -> list[str]:
        said = self.sweep_file
        words = ["seqsum", "sweep", preset]
        for path, text in {**said.changes, **said.words}.items():
            words += [] if path == "preset" else _flag(f"--{path}", text)
        return words

    @staticmethod
    def file_command(path: Path, workspace: Path) -> str:
        """The command line that runs a sweep's file."""
        return shlex.join(["seqsum", "sweep", str(path), *_workspace_flag(workspace)])

    @property
    def sweep_file(self) -> SweepFile:
        """The sweep as its file says it."""
        file = self.files.get(self.preset.name)
        words = {"preset": self.preset.name if file is None else str(Path(file).absolute())}
        words |= {"trials": str(self.trials)} if self.endless else {}
        first, last = self.seed_range[0], self.seed_range[-1]
        words["seeds"] = f"{first}-{last}" if first else str(self.seeds)
        words |= {"name": self.name.strip()} if self.name.strip() else {}
        return SweepFile(words, {path: self._said(path) for path in self.changes if path not in OWN})

    def _said(self, path: str) -> str:
        typed = self.config is None or self.is_several(path)
        return self._typed[path] if typed or self.config is None else as_text(self.config.value(path))

    def _check(self) -> None:
        self.base = self._shape()
        self.fields = tuple(self.base.used_fields(self.text))
        here = [facts.path for facts in self.fields]
        # A section's `name` decides which fields it has, so it must be applied before them.
        typed = {**self._kinds(), **{path: self._typed[path] for path in here if path in self._typed}}
        found: dict[str, str] = {}
        several = {path: text for path, text in typed.items() if self._holds_several(path, text, found)}
        self._swept = frozenset(several)
        read = [self._part(path, text) for path, text in several.items() if path not in found]
        self.config, self.space = None, tuple(filter(None, read))
        try:
            config = self.preset.config.changed({p: text for p, text in typed.items() if p not in several}, SOURCE)
            _, self.space = split(several, config, SOURCE)
            self.config = None if found else config
        except ConfigError as error:
            for path, reason in error.problems:
                found.setdefault(".".join(path.split(".")[:2]), reason)
        self.problems = {path: found.pop(path) for path in here if path in found} | found
        self.changes = tuple(path for path in here if path in typed and self._differs(path))

    def _holds_several(self, path: str, text: str, found: dict[str, str]) -> bool:
        """Whether a list or a range is typed: seen in numbers, said of other fields; what is wrong is `found`."""
        facts = next((one for one in self.fields if one.path == path), None)
        if facts is None or self.may_be_several(path) is not None:
            return False
        if facts.kind not in ("int", "float") and path not in self._several:
            return False
        try:
            return self._part(path, text) is not None
        except ValueError as error:
            found[path] = str(error)
            return True

    def _part(self, path: str, text: str) -> Choices | Range | None:
        return part_of(next(one for one in self.fields if one.path == path), text)

    def _forget_unchanged(self) -> None:
        """Drop what is typed differently but means the preset's value: it must not count against another preset."""
        here = {facts.path for facts in self.fields}
        self._typed = {path: text for path, text in self._typed.items() if path in self.changes or path not in here}

    def _theirs(self, path: str) -> Any:
        """The preset's value; of a field that came with another choice of kind, what it starts from."""
        section, _, name = path.partition(".")
        own, now = getattr(self.preset.config, section), getattr(self.base, section)
        return getattr(own if type(own) is type(now) or path in KINDS else now, name)

    def _shape(self) -> Config:
        """The preset's configuration after the choices that decide which fields there are.

        A model that can't answer the task has its fields all the same: what is wrong stands at its name.
        """
        config = self.preset.config
        for path, text in self._kinds().items():
            section = path.partition(".")[0]
            if text == getattr(config, section).name:
                continue
            with suppress(UserError):
                config = config.model_copy(update={section: section_type(section, {"name": text})()})
        return config

    def _differs(self, path: str) -> bool:
        if self.is_several(path):
            return True
        if self.config is not None:
            return bool(self.config.value(path) != self._theirs(path))
        try:
            alone = self.preset.config.changed({**self._kinds(), path: self._typed[path]}, SOURCE)
        except UserError:
            return True
        return bool(alone.value(path) != self._theirs(path))

    def _kinds(self) -> dict[str, str]:
        """The choices that decide which fields there are."""
        return {path: self._typed[path] for path in KINDS if path in self._typed}


def _flag(name: str, text: str) -> list[str]:
    # A value that begins with a dash would be read as a flag of its own.
    return [f"{name}={text}"] if text.startswith("-") else [name, text]


def _workspace_flag(workspace: Path) -> list[str]:
    return [] if workspace == default_workspace().absolute() else _flag("--workspace", str(workspace))


def read_presets(wanted: str | None) -> tuple[list[Preset], Preset, str]:
    """Return every preset, the one to begin with (named, or a file's path), and what there is to complain of."""
    found = all_presets()
    wanted = wanted or DEFAULT_PRESET
    known = {preset.name: preset for preset in found}
    if wanted in known:
        return found, known[wanted], ""
    try:
        own = load_preset(wanted)
    except UserError as error:
        return found, known.get(DEFAULT_PRESET, found[0]), error.in_form
    return [*(preset for preset in found if preset.name != own.name), own], own, ""
