"""The one schema of a run: presets, form, command line and run record all read it.

Six sections: task, model, optim, schedule, train, track. A task's own section stands beside the task.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from seqsum import plugins
from seqsum.errors import ConfigError, UserError, did_you_mean
from seqsum.formatting import enumerated, grouped
from seqsum.models.settings import AutoregressiveConfig, ModelConfig, RecurrentConfig
from seqsum.registry import MODELS, TASKS, make_task, model_entry, task_type
from seqsum.schema import OFF, FieldFacts, Section, as_text, fields_of, setting, shown
from seqsum.tasks.base import AnyTask, TaskConfig
from seqsum.tasks.sum_modulo import SumModuloConfig
from seqsum.text import is_plain, plain_spaces

# Beyond this a step no longer fits the metric store's arithmetic on 64-bit numbers with room to spare.
MOST_STEPS = 1_000_000_000
NAMED = 4
"""Tasks or models that are named at most where a field belongs to others."""


ADAMS = "adam, adamw, muon, schedule_free"
DECAYING = "adam, adamw, sgd, rmsprop"
"""Those whose weight decay may leave weights out."""


def _with(path: str, names: str, default: Any, words: str, **more: Any) -> Any:
    """A field that counts only where the one at `path` is one of `names`, as its description says."""
    return setting(default, f"{names}: {words}", used_when={path: tuple(names.split(", "))}, **more)


class OptimConfig(Section):
    """The optimizer and gradient clipping."""

    name: Literal["adam", "adamw", "sgd", "rmsprop", "muon", "schedule_free"] = setting(
        "adam",
        "the optimizer: Adam (Kingma & Ba 2015), AdamW (decoupled weight decay), SGD with momentum, RMSprop, Muon "
        "(Jordan et al. 2024: steps of weight matrices with all directions alike in size; embeddings, the head and "
        "what is no matrix go by AdamW, at the same learning rate), schedule_free (Defazio et al. 2024: AdamW whose "
        "answers come from the mean of all steps; for schedule.name constant)",
    )
    lr: float = setting(
        1e-3, "peak learning rate: how far a step goes; the schedule scales it", gt=0, live=True, basic=True
    )
    beta1: float = _with(
        "optim.name",
        ADAMS,
        0.9,
        "decay of the running mean of gradients",
        ge=0,
        le=0.999999,
    )
    beta2: float = _with(
        "optim.name",
        ADAMS,
        0.999,
        "decay of the running mean of squared gradients",
        ge=0,
        le=0.99999999,
    )
    eps: float = _with(
        "optim.name",
        f"{ADAMS}, rmsprop",
        1e-8,
        "keeps the division by a tiny gradient finite",
        gt=0,
    )
    momentum: float = _with("optim.name", "sgd, rmsprop", 0.0, "share of the last update that is kept", ge=0, le=0.9999)
    matrix_momentum: float = _with(
        "optim.name", "muon", 0.95, "share of the last direction of a matrix that is kept", ge=0, le=0.9999
    )
    smoothing: float = _with(
        "optim.name", "rmsprop", 0.99, "decay of the running mean of squared gradients", ge=0, le=0.999999
    )
    weight_decay: float = setting(0.0, "pull of the weights towards zero", ge=0)
    weight_decay_on: Literal["all", "matrices", "recurrent"] = _with(
        "optim.name",
        DECAYING,
        "all",
        "which weights it pulls at: all, as PyTorch does; matrices: not embeddings, biases and gains; recurrent: only "
        "those from hidden state to hidden state (the last two are computed by torch)",
    )
    clip_norm: float | None = setting(
        None, "scale gradients down to this global norm when they exceed it; off by default", gt=0, live=True
    )
    clip_value: float | None = setting(
        None, "cut each component of the gradient at ± this value; off by default", gt=0, live=True
    )

    @property
    def decays_in_part(self) -> bool:
        """Whether some weights are pulled at and others are not."""
        return self.weight_decay_on != "all" and self.weight_decay > 0 and self.name in DECAYING.split(", ")

    @field_validator("beta1")
    @classmethod
    def _leads_back(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("name") == "schedule_free" and not value:
            raise ValueError("must be above 0 with optim.name schedule_free, got 0")
        return value


class ScheduleConfig(Section):
    """How the learning rate moves: a linear warm-up first, if any, then the named curve."""

    name: Literal["cosine", "constant", "linear", "step", "one_cycle", "plateau"] = setting(
        "cosine",
        "the curve after the warm-up: cosine and linear fall to min_lr; step falls by `factor` every step_size steps; "
        "plateau falls by `factor` when eval_loss stops falling; one_cycle, in place of a warm-up, rises to the peak "
        "from warmup_start × lr and falls to min_lr",
    )
    min_lr: float = setting(
        1e-4,
        "where the curve ends; a floor above the peak counts as the peak",
        ge=0,
        live=True,
        used_when={"schedule.name": ("cosine", "linear", "step", "one_cycle", "plateau")},
    )
    warmup_steps: int = setting(
        0,
        "steps of linear rise to the peak, from warmup_start × lr; 0 for none",
        ge=0,
        le=MOST_STEPS,
        unit="steps",
        used_when={"schedule.name": ("cosine", "constant", "linear", "step", "plateau")},
    )
    warmup_start: float = setting(0.01, "fraction of the peak at which warm-up or one_cycle starts", gt=0, le=1)
    cosine_period: Literal["total_steps", "after_warmup"] = _with(
        "schedule.name", "cosine", "total_steps",
        "total_steps is half a wave over train.steps, begun after the warm-up, so that it ends above min_lr "
        "(as the tutorial does); after_warmup fits the wave to what is left, and ends at min_lr",
    )  # fmt: skip
    factor: float = _with("schedule.name", "step, plateau", 0.1, "what the learning rate is multiplied by", gt=0, lt=1)
    step_size: int = _with("schedule.name", "step", 5000, "steps between two falls", ge=1, le=MOST_STEPS, unit="steps")
    rise: float = _with(
        "schedule.name", "one_cycle", 0.3, "share of the run in which the learning rate rises; momentum stays as it is",
        gt=0, lt=1,
    )  # fmt: skip
    patience: int = _with(
        "schedule.name", "plateau", 5, "evaluations without a lower eval_loss before a fall", ge=1, le=1_000_000,
        unit="evaluations",
    )  # fmt: skip


class TrainConfig(Section):
    """The loop: how long, how much at once, how often it writes."""

    seed: int = setting(
        0, "the same seed gives the same weights and the same data, bit for bit", ge=0, le=2**32 - 1, basic=True
    )
    steps: int = setting(20_000, "optimizer steps of the whole run", ge=1, le=MOST_STEPS, unit="steps", basic=True)
    epochs: float | None = setting(
        None, "times through the training data, in place of steps; only for tasks whose data ends", gt=0, le=1e6,
        unit="epochs",
    )  # fmt: skip
    batch_size: int = setting(16, "sequences in a step", ge=1, le=65_536, unit="sequences", basic=True)
    log_every: int = setting(
        100, "write loss and learning rate this often; loss is the mean since the last time", ge=1, le=MOST_STEPS,
        unit="steps", live=True,
    )  # fmt: skip
    evaluate_every: int = setting(
        500, "evaluate on the whole input space, or on what is held out, this often", ge=1, le=MOST_STEPS,
        unit="steps", live=True,
    )  # fmt: skip
    checkpoint_every: int = setting(
        1000, "save weights and optimizer this often; a killed run goes on from there", ge=1, le=MOST_STEPS,
        unit="steps", live=True,
    )  # fmt: skip
    keep_checkpoints: Annotated[int, Field(ge=1, le=MOST_STEPS)] | Literal["auto"] | None = setting(
        "auto",
        "which checkpoints stay on the disk. auto: the newest 3 and up to 37 spread evenly over the run, so that you "
        "can go back to any part of it; fewer of a large model (4 GB in all, at least 5), and beside them those you "
        "asked for (snapshot) and those a fork shares. A number: only so many of the newest. off: all. The durable one "
        "and the best (train.keep_best) always stay",
        unit="checkpoints",
        live=True,
    )
    keep_best: bool = setting(
        False, "save a checkpoint whenever train.best_metric is best, and never delete the best one"
    )
    restore_best: bool = setting(
        False, "keep the best checkpoint, and at the end go back to its weights, so that the run answers with them"
    )
    early_stop: int | None = setting(
        None, "end the run after this many evaluations without a better train.best_metric; off by default", ge=1,
        le=1_000_000, unit="evaluations",
    )  # fmt: skip
    best_metric: str = setting(
        "eval_loss", "what an evaluation is judged by: eval_loss, accuracy, mae …; its name tells which way is better"
    )
    stopping_threshold: float | None = setting(
        None, "end the run as soon as train.best_metric is this good: 1 with accuracy is all right; off by default"
    )
    min_delta: float = setting(0.0, "an evaluation is better only when it is so by more than this", ge=0)
    threads: int = setting(
        1, "CPU threads of the worker; one is fastest for small models", ge=1, le=1024, unit="threads"
    )
    processes: int = setting(
        1,
        "processes that train the run together, each with its rows of every batch: for large models on several cores "
        "or GPUs; torch computes then",
        ge=1,
        le=1024,
        unit="processes",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", "where to compute; auto takes the CPU for small models and a GPU, if there is one, for large ones"
    )
    dtype: Literal["float32", "float64", "bfloat16"] = setting("float32", "the type of weights and activations")
    backend: Literal["auto", "torch", "fused"] = setting(
        "auto",
        "what computes the steps: torch, or fused: compiled code for recurrent models on the CPU, many times as fast. "
        "auto takes fused where it can; on a machine's very first run it begins with torch while fused compiles, "
        "then changes over, so that the last digits differ from a later run's",
    )

    @property
    def keeps_best(self) -> bool:
        """Whether the best checkpoint is saved and kept."""
        return self.keep_best or self.restore_best

    @property
    def cores(self) -> int:
        """How many cores the run keeps busy."""
        return self.threads * self.processes


class TrackConfig(Section):
    """What else is written about the run."""

    swanlab: Literal["off", "offline", "online"] = setting(
        "off",
        "SwanLab (swanlab.cn): offline logs in the run's folder, for seqsum sync to upload; online uploads at the end",
    )
    project: str = setting(
        "seqsum",
        "the SwanLab project: letters, digits and _ - + . only",
        used_when={"track.swanlab": ("offline", "online")},
    )
    description: str | None = setting(None, "a sentence about the run")
    group: str | None = setting(None, "runs of one group stand together")
    tags: tuple[str, ...] = setting((), "words to find the run by, separated by commas")

    @field_validator("project")
    @classmethod
    def _as_swanlab_names(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9a-zA-Z_\-+.]{1,100}", value):
            raise ValueError(f"must be 1 to 100 letters, digits, _ - + or ., got {shown(value)}")
        return value

    @field_validator("description", "group")
    @classmethod
    def _as_it_stands(cls, value: str | None) -> str | None:
        if value is not None and not is_plain(value := plain_spaces(value)):
            raise ValueError(f"must be one line of printable characters, got {shown(value)}")
        return value

    @field_validator("tags")
    @classmethod
    def _without_commas(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tags = tuple(map(plain_spaces, value))
        if not all(tags) or any("," in tag or not is_plain(tag) for tag in tags):
            raise ValueError(f"must be printable words without commas, got {shown(list(value))}")
        return tags


class Config(Section):
    """Everything that decides what a run does. Make it with `Config.parse`; change it with `changed`."""

    task: SerializeAsAny[TaskConfig] = SumModuloConfig()
    model: SerializeAsAny[ModelConfig] = RecurrentConfig()
    optim: OptimConfig = OptimConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    train: TrainConfig = TrainConfig()
    track: TrackConfig = TrackConfig()

    @classmethod
    def parse(cls, raw: Mapping[str, Any], source: str) -> Config:
        """Make a configuration from nested mappings; `source` names the file or flag in errors.

        Raises ConfigError with every wrong field at once, each with its path, the reason and a near name.
        """
        wrong: list[tuple[str, str]] = []
        for name in raw:
            if name not in cls.model_fields:
                near = near_field(name) or did_you_mean(name, cls.model_fields)
                near = near or f"; the sections are {', '.join(cls.model_fields)}"
                wrong.append((name, f"is no section{near}"))
        made: dict[str, Section] = {}
        for name in cls.model_fields:
            data = raw.get(name, {})
            if not isinstance(data, Mapping):
                wrong.append((name, f"must be a section with fields, got {shown(data)}"))
                continue
            try:
                made[name] = section_type(name, data).read(data, source, name)
            except ConfigError as error:
                wrong.extend((path, _of_another(name, data, path) or reason) for path, reason in error.problems)
            except UserError as error:
                wrong.append((f"{name}.name", str(error)))
        if {"task", "model"} <= made.keys():
            wrong.extend(misfits(made["task"], made["model"]))
        if {"model", "train"} <= made.keys():
            wrong.extend(_not_for_several(made["model"], made["train"]))
        if wrong:
            raise ConfigError(source, wrong)
        return cls(**made)

    def changed(self, changes: Mapping[str, Any], source: str) -> Config:
        """Return this configuration with fields changed, e.g. {"optim.lr": "0.005"}.

        Raises ConfigError with every wrong field at once. Naming another task or model begins with that one's own
        defaults. Steps take the place of epochs.
        """
        raw = self.plain()
        wrong: list[tuple[str, str]] = []
        if "train.steps" in changes:
            if as_text(changes.get("train.epochs")).strip().lower() not in OFF:
                wrong.append(("train.steps", "must not stand beside train.epochs: each says how long the run is"))
            # Else the epochs would decide, and the steps that a person asks for would not count.
            raw["train"]["epochs"] = None
        # The names first: they decide which fields a section has.
        for path, value in sorted(changes.items(), key=lambda change: change[0] not in ("task.name", "model.name")):
            section, _, field = path.partition(".")
            if section not in raw or not field:
                paths = [facts.path for facts in self.fields()]
                near = near_field(path) or did_you_mean(path, paths)
                near = near or "; fields are written section.field, e.g. optim.lr"
                wrong.append((path or '""', f"is no field{near}"))
                continue
            if path in ("task.name", "model.name") and value != raw[section].get("name"):
                raw[section] = {}
            raw[section][field] = value
        try:
            config = Config.parse(raw, source)
        except ConfigError as error:
            wrong.extend(error.problems)
        if wrong:
            raise ConfigError(source, wrong)
        return config

    def plain(self) -> dict[str, dict[str, Any]]:
        """Return nested plain values, ready for JSON or TOML (None stays None)."""
        return self.model_dump(mode="json")

    def fields(self) -> Iterator[FieldFacts]:
        """Yield every field of every section, in order, with what a form needs to know of it."""
        for name in type(self).model_fields:
            for facts in fields_of(name, type(getattr(self, name))):
                names = {"task.name": tuple(TASKS), "model.name": tuple(MODELS)}.get(facts.path)
                yield replace(facts, choices=names) if names else facts

    def used_fields(self, text: Callable[[str], str] | None = None) -> Iterator[FieldFacts]:
        """Yield the fields that count with this task, model, optimizer and schedule, in order.

        `text` gives a field's value in words when it is not this configuration's: what a person has typed so far.
        """
        for facts in self.fields():
            if self.unmet(facts, text) is None:
                yield facts

    def is_basic(self, facts: FieldFacts) -> bool:
        """Whether a field is shown first; epochs are where they stand in the place of steps."""
        return facts.basic or (facts.path == "train.epochs" and self.train.epochs is not None)

    def unmet(self, facts: FieldFacts, text: Callable[[str], str] | None = None) -> tuple[str, tuple[str, ...]] | None:
        """Return why a field does not count: the first condition that is not met, (path, values). None if it counts.

        task.answer and model.fitting are conditions, too, though no fields. `text`: as for `used_fields`.
        """
        said = text or (lambda path: as_text(self.value(path)))
        facts_of = {
            "task.answer": task_type(self.task.name).answer,
            "model.fitting": "least_squares" if isinstance(self.model, AutoregressiveConfig) else "gradient",
        }
        conditions = list(facts.used_when)
        if facts.section in ("optim", "schedule") or facts.path == "train.processes":
            conditions.insert(0, ("model.fitting", ("gradient",)))
        if facts.path == "train.steps" and said("train.epochs").strip().lower() not in OFF:
            return "train.epochs", ("off",)
        for path, values in conditions:
            if (facts_of[path] if path in facts_of else said(path)) not in values:
                return path, values
        return None

    def value(self, path: str) -> Any:
        """Return the value of `section.field`."""
        section, _, field = path.partition(".")
        return getattr(getattr(self, section), field)

    def differences(self, other: Config) -> dict[str, tuple[str, str]]:
        """Return path → (value here, value there), as text, for each field that differs.

        Steps that follow from this configuration's epochs are no setting, and not among them.
        """
        return {
            facts.path: (as_text(mine), as_text(theirs))
            for facts in self.fields()
            if (facts.path != "train.steps" or self.train.epochs is None)
            and (mine := self.value(facts.path)) != (theirs := getattr(getattr(other, facts.section), facts.name, None))
        }


def near_field(name: str) -> str:
    """Return a hint when `name` is a field that lacks its section: `lr` for `optim.lr`; else an empty string."""
    paths = [facts.path for facts in all_fields() if facts.name == name.lower()]
    return f'; did you mean "{paths[0]}"?' if len(paths) == 1 else ""


def _of_another(section: str, data: Mapping[str, Any], path: str) -> str:
    """Return what is wrong with a path whose field another task or model has, or another section: `train.lr`; else an
    empty string."""
    field, kind = path.removeprefix(f"{section}."), section_type(section, data)
    known = kind.model_fields
    types: dict[str, Mapping[str, type[Section]]] = {
        "task": {name: task.config_type for name, task in TASKS.items()},
        "model": {name: entry.config_type for name, entry in MODELS.items()},
    }
    others = [name for name, other in types.get(section, {}).items() if field in other.model_fields]
    if others and field not in known:
        some = enumerated(others if len(others) <= NAMED else [*others[:NAMED], f"{len(others) - NAMED} more"], "and")
        own = ", ".join(name for name in known if name != "name")
        return f'is no field of the {section} "{known["name"].default}", but of {some}; its own are {own}'
    near = near_field(field)
    if not near or field in known or f'"{section}.' in near or did_you_mean(field, known):
        return ""
    return f"is no field{near}"


def unknown_paths(sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the paths of what a configuration sets and this version does not know; that of a task or model which is
    not known here itself is left out: its plug-in may be missing."""
    found: list[str] = []
    for name, values in sections.items():
        if name not in Config.model_fields:
            found.append(name)
            continue
        try:
            known = section_type(name, values).model_fields
        except UserError:
            continue
        found += [f"{name}.{field}" for field in values if field not in known]
    return found


def section_type(name: str, data: Mapping[str, Any]) -> type[Section]:
    """Return the class that reads a section; a task's and a model's depend on their name."""
    if name == "task":
        return task_type(str(data.get("name", "sum_modulo"))).config_type
    if name == "model":
        return model_entry(str(data.get("name", "recurrent"))).config_type
    kind = Config.model_fields[name].annotation
    assert isinstance(kind, type) and issubclass(kind, Section)
    return kind


def misfits(task: Section, model: Section) -> list[tuple[str, str]]:
    """Return what is wrong with this model for this task, as (path, reason); judged without reading any data."""
    assert isinstance(task, TaskConfig) and isinstance(model, ModelConfig)
    kind = task_type(task.name)
    able = [name for name, entry in MODELS.items() if kind.answer in entry.answers]
    if model.name not in able:
        return [("model.name", f'"{model.name}" can\'t answer the task "{task.name}"; use {enumerated(able, "or")}')]
    window = getattr(task, "window", None)
    if isinstance(model, AutoregressiveConfig) and window is not None and model.order > window:
        return [("model.order", f"must be at most task.window ({window}), got {model.order}")]
    if isinstance(model, AutoregressiveConfig) and getattr(task, "interval", None) is not None:
        return [("task.interval", "must be off with autoregressive: least squares finds the mean, and no interval")]
    further = [name for name in ("input_columns", "known_columns") if getattr(task, name, ())]
    if isinstance(model, AutoregressiveConfig) and further:
        return [(f"task.{further[0]}", "must be empty with autoregressive: it forecasts a column from its own past")]
    if kind.causal and getattr(model, "bidirectional", False) and model.name != "encoder_decoder":
        return [("model.bidirectional", f'must be false: the task "{task.name}" must not see what comes after')]
    if getattr(model, "bidirectional", False) and getattr(model, "form", "stacked") == "cells":
        return [("model.form", "must be stacked for a bidirectional model: cells run forward only")]
    if getattr(model, "bidirectional", False) and getattr(model, "hidden_noise", 0):
        return [("model.hidden_noise", "must be 0 for a bidirectional model: noise enters step by step, forward only")]
    return []


def _not_for_several(model: Section, train: Section) -> list[tuple[str, str]]:
    """Return why several processes can't train this model, as (path, reason)."""
    assert isinstance(train, TrainConfig)
    if train.processes == 1 or isinstance(model, AutoregressiveConfig):
        return []
    if train.processes > train.batch_size:
        reason = f"must be at most train.batch_size ({train.batch_size}): each process reads rows of every batch"
        return [("train.processes", f"{reason}, got {train.processes}")]
    # Drawn beside each other the numbers would hang on how many processes there are.
    draws = {
        "dropout": getattr(model, "dropout", 0.0) if getattr(model, "num_layers", 1) > 1 else 0.0,
        "hidden_noise": getattr(model, "hidden_noise", 0.0),
        "teacher_forcing": 1 - getattr(model, "teacher_forcing", 1.0),
    }
    return [
        ("train.processes", f"must be 1 with model.{name} {as_text(getattr(model, name))}, which draws random numbers")
        for name, drawn in draws.items()
        if drawn
    ][:1]


def resolved(config: Config, source: str) -> tuple[Config, AnyTask]:
    """Return the configuration with epochs turned into steps, and its task.

    Reads the task's data. Raises UserError when it can't be read, ConfigError when epochs make no sense.
    """
    with plugins.told():
        task = make_task(config.task)
    if config.train.epochs is None:
        return config, task
    if task.steps_per_epoch(config.train.batch_size) is None:
        raise ConfigError(
            source, [("train.epochs", f'must be off: the data of "{config.task.name}" never ends; set train.steps')]
        )
    steps = steps_of(config, task)
    return config.changed({"train.steps": steps}, source).changed({"train.epochs": config.train.epochs}, source), task


def steps_of(config: Config, task: AnyTask) -> int:
    """Return how many steps a run makes: train.steps, or what train.epochs come to where the task's data ends."""
    per_epoch = task.steps_per_epoch(config.train.batch_size)
    if config.train.epochs is None or per_epoch is None:
        return config.train.steps
    return max(1, math.ceil(config.train.epochs * per_epoch))


def as_shown(path: str, text: str) -> str:
    """Return a setting as it is told, not typed: a count has a mark between thousands, 20,000; a seed is no count."""
    return grouped(text) if path in _counts(len(TASKS), len(MODELS)) else text


@lru_cache(maxsize=1)
def _counts(tasks: int, models: int) -> frozenset[str]:
    """The settings that count something, and what is told beside them. tasks, models: how many are known."""
    found = (facts.path for facts in all_fields() if facts.kind == "int" and not facts.name.endswith("seed"))
    return frozenset(("run.parameters", *found))


def all_fields() -> list[FieldFacts]:
    """Return every field of every task's and model's section and of the others, each path once."""
    found: dict[str, FieldFacts] = {}
    for name in Config.model_fields:
        sections: list[type[Section]]
        if name == "task":
            sections = [task.config_type for task in TASKS.values()]
        elif name == "model":
            sections = [entry.config_type for entry in MODELS.values()]
        else:
            sections = [section_type(name, {})]
        for section in sections:
            for facts in fields_of(name, section):
                if facts.path in found and facts.name == "name":
                    known = found[facts.path]
                    found[facts.path] = replace(known, choices=(*known.choices, *facts.choices))
                else:
                    found.setdefault(facts.path, facts)
    return list(found.values())


LIVE_FIELDS = tuple(facts.path for facts in Config().fields() if facts.live)
