"""The record of a run: who made it, from what, with which versions. `run.json` in its folder."""

from __future__ import annotations

import hashlib
import math
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum import plugins
from seqsum.errors import UserError
from seqsum.files import LARGEST_JSON, json_bytes, parse_json, read_regular, write_atomically
from seqsum.runs.bounds import RUN_NAME, free_name, keep_as
from seqsum.runs.gone import RunGone
from seqsum.runs.kinds import Fields
from seqsum.runs.provenance import command_line, commit_here, here, known_hashes
from seqsum.text import one_line
from seqsum.users import user_name

if TYPE_CHECKING:
    from seqsum.config import Config
    from seqsum.runs.store import Store

RECORD_FILE = "run.json"
FORMAT = 1
CHECKSUM = "checksum"
"""In the file, of all that it holds besides: SHA-256. One that an earlier version wrote has none."""
MOST_TOLD = 3
NOT_WRITTEN = ("kept", "problems", "wrong_checksum")
PACKAGES = ("seqsum-tui", "torch", "numpy", "numba", "llvmlite", "pydantic", "safetensors", "swanlab")


class OwnLoop(UserError):
    """What only a run can do that seqsum trains was asked of one that a script trains."""


@dataclass(frozen=True)
class Record:
    """What is known of a run when it begins; the worker adds device, threads and backend."""

    id: str
    name: str
    preset: str
    created: str
    config: dict[str, dict[str, Any]]
    seed: int
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    owner: str = ""
    """Who made it; "" where an earlier version did not write it."""
    host: str = ""
    device: str | None = None
    threads: int | None = None
    backend: str | None = None
    backend_reason: str | None = None
    """Why no compiled code computes it, where torch does."""
    parameters: int | None = None
    parent: dict[str, Any] | None = None
    """Of a forked run: {"run": the id, "step": of the checkpoint it began with}."""
    repeats: str = ""
    """The id of the run that this one repeats, by `seqsum rerun`."""
    outcome: dict[str, Any] | None = None
    """How the last worker ended: {"status", "reason", "step"}; None while one is at it, or when it died."""
    plugins: list[str] = field(default_factory=list)
    """The plug-ins that task and model come from. Only told, never run from here: a run folder may be a stranger's."""
    plugin_hashes: dict[str, str] = field(default_factory=dict)
    """Of those the SHA-256 of their code, as the last worker had it; the code itself is in `source` of the folder."""
    command: str = ""
    """What was typed to start it, or to start the program that did; secrets are hidden."""
    directory: str = ""
    """The folder that whoever started it stood in."""
    machine: dict[str, Any] = field(default_factory=dict)
    """What the last worker computed on: {"cpu", "cores", "instructions": those that torch uses}."""
    measured_since: int | None = None
    """The step from which accuracy and eval_loss are means over what training draws; None in an earlier version."""
    watched: dict[str, Any] | None = None
    """Of a run whose training loop is a script's own (see `seqsum.watch`): {"script": its file, "steps": how many it
    is to make, 0 where nobody knows, "live": the paths of what can be changed while it trains}. Its configuration is
    any. Of one that is another program's log (see `foreign`) also "follows": that log's path; its preset is the kind of
    log."""
    format: int = FORMAT
    kept: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the file holds besides: fields of another kind, and those of a newer version. They are written back."""
    problems: tuple[str, ...] = field(default=(), repr=False)
    """A sentence for each field that is of another kind, or missing."""
    wrong_checksum: Any = field(default=None, repr=False)
    """The one in the file, where the file is not as it was written. It is written back: nothing makes it look so."""

    @classmethod
    def new(cls, id: str, name: str, preset: str, config: Config, parent: dict[str, Any] | None = None) -> Record:
        return cls(
            id=id,
            name=name,
            preset=preset,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            config=config.plain(),
            seed=config.train.seed,
            versions=dict(installed_versions()),
            git_commit=commit_here(),
            command=command_line(),
            directory=here(),
            owner=user_name(),
            host=socket.gethostname(),
            parent=parent,
            plugins=plugins.sources_of(config.task.name, config.model.name),
            measured_since=0,
        )

    @property
    def source(self) -> str:
        """What `preset` is the name of: a preset, a script that trains by itself, or a kind of log."""
        return "log" if self.follows else "preset" if self.watched is None else "script"

    @property
    def follows(self) -> str:
        """The path of the log that it is read from; "" where it is no other program's."""
        return Fields(self.watched or {}, "").text("follows")

    @property
    def trained_by(self) -> str:
        """Who trains it, where that is not seqsum."""
        if self.follows:
            return f"another program, whose log is {one_line(self.follows)}"
        return f"a script of its own, {one_line(self.preset)}"

    @classmethod
    def of_script(
        cls, id: str, name: str, script: str, config: dict[str, dict[str, Any]], seed: int, watched: dict[str, Any]
    ) -> Record:
        """Of a run whose training loop is a script's own."""
        return cls(
            id=id,
            name=name,
            preset=script,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            config=config,
            seed=seed,
            versions=dict(installed_versions()),
            git_commit=commit_here(),
            command=command_line(),
            directory=here(),
            owner=user_name(),
            host=socket.gethostname(),
            watched=watched,
        )

    @classmethod
    def of_log(
        cls, id: str, name: str, kind: str, created: float, config: dict[str, dict[str, Any]], watched: dict[str, Any]
    ) -> Record:
        """Of a run that another program's log tells of. created: in seconds since 1970."""
        return cls(
            id=id,
            name=name,
            preset=kind,
            created=datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds"),
            config=config,
            seed=0,
            owner=user_name(),
            host=socket.gethostname(),
            watched=watched,
        )

    def parsed_config(self) -> Config:
        """Return the configuration; raise UserError when it, or a plug-in it needs, is not there, OwnLoop where it is
        that of a script's own loop."""
        if self.watched is not None:
            raise OwnLoop(f"run {self.id} is trained by {self.trained_by}, not by seqsum")
        if not self.config:
            # Nothing at all would be read as the defaults.
            why = self.problems[0] if self.problems else f"{RECORD_FILE} holds no configuration"
            raise UserError(f"run {self.id}: what it was trained with is not known: {why}")
        return self.parsed(_as_shown(self.config), f"run {self.id}")

    def parsed(self, config: Mapping[str, Any], source: str) -> Config:
        """Return a configuration of this run, such as that of a checkpoint; raise UserError when it, or a plug-in it
        needs, is not there. source: whose it is, as errors begin."""
        from seqsum.config import Config

        plugins.load()
        try:
            return Config.parse(config, source)
        except UserError:
            missing = plugins.missing(self.plugins)
            if not missing:
                raise
            names = (self.setting("task").text("name"), self.setting("model").text("name"))
            raise UserError(f"{source}: {missing} (task {names[0]}, model {names[1]})") from None

    def setting(self, section: str) -> Fields:
        """Return the fields of a section of the configuration; what is wrong with one that is read is not told."""
        return Fields(self.config.get(section, {}), "config")

    def with_facts(self, **facts: Any) -> Record:
        return replace(self, **facts, kept={name: value for name, value in self.kept.items() if name not in facts})

    def plain(self) -> dict[str, Any]:
        """Return what the file holds, but for its checksum."""
        own = (part.name for part in fields(self) if part.name not in NOT_WRITTEN)
        return {**{name: getattr(self, name) for name in own}, **self.kept}

    def as_written(self) -> bytes:
        """Return what the file holds."""
        plain = self.plain()
        return json_bytes({**plain, CHECKSUM: checksum(plain) if self.wrong_checksum is None else self.wrong_checksum})

    def write(self, folder: Path, store: Store | None = None) -> None:
        """Write the record; into the run's store, too, so that one that gets damaged is given back (see `doctor`),
        unless that is another run's."""
        data = self.as_written()
        if store is not None and another(folder, store.copy_of(RECORD_FILE)) is None:
            store.keep_copy(RECORD_FILE, data.decode())
        write_atomically(folder / RECORD_FILE, data)

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read a run's record. A field of another kind is left out and told in `problems`; one that an older version
        did not write has its default.

        Raises UserError when there is no record to read.
        """
        path = folder / RECORD_FILE
        try:
            data = read_regular(path, LARGEST_JSON)
            raw = parse_json(data)
        except OSError as error:
            RunGone.check(folder)
            raise UserError(f"runs: can't read {path}: {error.strerror or error}") from None
        except ValueError as error:
            raise UserError(f"runs: can't read {path}: it is damaged ({error})") from None
        if not isinstance(raw, dict) or raw.keys().isdisjoint(("id", "name", "preset", "config")):
            raise UserError(f"runs: can't read {path}: it is no record of a run")
        told = raw.pop(CHECKSUM, None)
        given = Fields(raw, f"{RECORD_FILE}:")
        format = given.whole("format", FORMAT)
        if format > FORMAT:
            given.problems.append(f"{RECORD_FILE} was written by a newer version (format {format}, known is {FORMAT})")
        sections = given.section("config", needed=True)
        settings = Fields(sections, f"{RECORD_FILE}: config")
        config = {name: _usable(settings.section(name)) for name in sections}
        made = cls(
            id=given.text("id", folder.name),
            name=given.text("name", folder.name, needed=True),
            preset=given.text("preset", needed=True),
            created=given.text("created", needed=True),
            config={name: values for name, values in config.items() if isinstance(sections[name], dict)},
            seed=given.whole("seed"),
            versions={name: value for name, value in given.section("versions").items() if isinstance(value, str)},
            git_commit=given.text_or_none("git_commit"),
            owner=given.text("owner"),
            host=given.text("host"),
            device=given.text_or_none("device"),
            threads=given.whole_or_none("threads"),
            backend=given.text_or_none("backend"),
            backend_reason=given.text_or_none("backend_reason"),
            parameters=given.whole_or_none("parameters"),
            parent=_parent(given),
            repeats=given.text("repeats"),
            outcome=given.section("outcome") or None if raw.get("outcome") is not None else None,
            plugins=given.texts("plugins"),
            plugin_hashes=known_hashes(given.section("plugin_hashes")),
            command=given.text("command"),
            directory=given.text("directory"),
            machine=given.section("machine"),
            measured_since=given.whole_or_none("measured_since"),
            watched=given.section("watched") if raw.get("watched") is not None else None,
            format=format,
        )
        known = {part.name for part in fields(cls)}
        kept = {name: value for name, value in raw.items() if name not in known or getattr(made, name) != value}
        wrong = None if told is None or is_as_written(data) else told
        return replace(made, kept=kept, problems=(*given.problems, *settings.problems), wrong_checksum=wrong)

    @classmethod
    def own(cls, folder: Path, store: Store) -> Record:
        """Read the record that is to be written again. One that was changed after it was written is kept beside, its
        copy in the store takes its place, and an event says so.

        Raises as `read` does.
        """
        read, copy = cls.read(folder), sound_copy(store)
        wrong = altered(folder, copy)
        if wrong is None or copy is None:
            return read
        kept = give_back(folder / RECORD_FILE, copy)
        text = f"{wrong}; given back from its copy in {store.path.name}, and what was there is kept as {kept.name}"
        store.add_event(store.state()["step"], "message", text=text)
        return cls.read(folder)


def checksum(plain: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a record says."""
    return hashlib.sha256(json_bytes(plain)).hexdigest()


@lru_cache(maxsize=128)
def is_as_written(data: bytes | str) -> bool:
    """Tell whether a record is what was written, by its own checksum. The same text is asked for again and again."""
    try:
        raw = parse_json(data)
        return bool(raw.pop(CHECKSUM) == checksum(raw))
    except (ValueError, LookupError, AttributeError, TypeError):
        return False


def sound_copy(store: Store) -> str | None:
    """Return the record as the store has it, where that is as it was written and of this run."""
    copy = store.copy_of(RECORD_FILE)
    return copy if copy and is_as_written(copy) and another(store.path.parent, copy) is None else None


def another(folder: Path, text: bytes | str | None) -> str | None:
    """Return which run a record is of, as it was written, where that is not the folder's own; a folder that a person
    has renamed may hold any."""
    if text is None or RUN_NAME.fullmatch(folder.name) is None or not is_as_written(text):
        return None
    id = parse_json(text).get("id")
    return None if id == folder.name else one_line(str(id))


def some(names: list[str]) -> str:
    """Name the first of many."""
    return ", ".join(map(one_line, names[:MOST_TOLD])) + (", …" if len(names) > MOST_TOLD else "")


def altered(folder: Path, copy: str | None) -> str | None:
    """Say what was changed in a record that can be read after it was written, or whose it is; None where all is well.

    copy: what `sound_copy` says
    """
    data = read_regular(folder / RECORD_FILE, LARGEST_JSON)
    raw, was = parse_json(data), {} if copy is None else parse_json(copy)
    if is_as_written(data):
        id = another(folder, data)
        return id and f"{RECORD_FILE} is that of run {id}"
    if CHECKSUM not in raw and copy is None:
        return None
    is_now, then = flat(raw), flat(was)
    names = [name for name in {**then, **is_now} if then.get(name) != is_now.get(name) and name != CHECKSUM]
    return f"{RECORD_FILE} was changed after seqsum wrote it{f': {some(names)}' if was and names else ''}"


def flat(raw: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return path → value."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def give_back(path: Path, text: str) -> Path:
    """Write a file as its copy has it; return under which name what was there is kept. Raises OSError."""
    aside = free_name(path.with_name(f"{path.name}.damaged"))
    keep_as(path, aside)
    write_atomically(path, text.encode())
    return aside


def _usable(section: dict[str, Any]) -> dict[str, Any]:
    """Return a section whose numbers one can compare: one of hundreds of digits counts as infinite."""
    return {
        name: math.inf * (1 if value > 0 else -1) if isinstance(value, int) and abs(value) > 2**63 else value
        for name, value in section.items()
    }


def _parent(given: Fields) -> dict[str, Any] | None:
    """The run that a run was forked from, if both its id and the step can be read."""
    if given.raw.get("parent") is None:
        return None
    before = len(given.problems)
    parent = given.section("parent")
    inner = Fields(parent, f"{RECORD_FILE}: parent", given.problems)
    run, step = inner.text("run", needed=True), inner.whole("step", needed=True)
    if run in ("", ".", "..") or "/" in run or "\0" in run:
        inner.wrong("run", "the id of a run")
        return None
    return {**parent, "run": run, "step": step} if len(given.problems) == before else None


def _as_shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stranger's record may name its group as none of ours is named: the words about the run as they are shown."""
    track = config.get("track")
    if not isinstance(track, Mapping):
        return dict(config)
    made = {key: one_line(value) if isinstance(value, str) else value for key, value in track.items()}
    if isinstance(track.get("tags"), list):
        made["tags"] = [one_line(tag) if isinstance(tag, str) else tag for tag in track["tags"]]
    return {**config, "track": made}


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the versions that matter for repeating a run, without importing anything heavy. Once: what is installed
    later is not what this process runs."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
