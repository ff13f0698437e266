"""What a person who chose these settings should be told before the run: which have no effect, and what comes otherwise.

Form, command line and events say it from here. A sentence "has no effect" is meant to the bit: the same weights come
out. No torch here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from seqsum.config import Config, steps_of
from seqsum.formatting import count as counted
from seqsum.formatting import enumerated, metric
from seqsum.formatting import learning_rate as shown
from seqsum.models.settings import AutoregressiveConfig, BlocksConfig, ConcatenatingConfig, FeedForwardConfig
from seqsum.models.size import model_size
from seqsum.runs.metric_direction import bounds_of, direction_of
from seqsum.schema import as_text
from seqsum.slots import cores_here
from seqsum.tasks import AnyTask
from seqsum.tasks.curriculum import longest_by_step
from seqsum.training.backends.fused_support import why_not_fused
from seqsum.training.early_stopping import EarlyStopping
from seqsum.training.schedule import learning_rate

READING = (
    "text_column",
    "label_column",
    "decimal",
    "header",
    "missing",
    "encoding",
    "time_column",
    "order",
    "repeated",
    "gaps",
)
"""Settings that say how task.file is read."""
WITHOUT_RECURRENT = (BlocksConfig, ConcatenatingConfig, FeedForwardConfig)
"""Models of ours in which no matrix of its own leads from hidden state to hidden state."""
WORTH_A_PROCESS = 100_000_000
"""Multiplications of weights in a step, below which a process more waits longer for the others than it computes."""
RATE_FIELDS = ("optim.lr", "train.steps", "train.epochs")


@dataclass(frozen=True)
class Note:
    """A sentence, and the setting that it is about."""

    path: str
    text: str


def notes(config: Config, task: AnyTask | None = None, first: int = 0, typed: Collection[str] = ()) -> list[Note]:
    """Return what is to be said of a configuration.

    task: its task, if that was made; without it nothing is said of what hangs on the data.
    first: the step that the run begins at, above 0 for a fork.
    typed: the settings that a person named, by path: of those also the defaults are told that have no effect, but for
        0 and off, which ask for none.
    """
    found = [*_unused(config, typed), *_cores(config)]
    if config.train.epochs is None or task is not None:
        run = _Run(config, config.train.steps if task is None else steps_of(config, task), first)
        solved = isinstance(config.model, AutoregressiveConfig)
        for rule in OF_LEAST_SQUARES if solved else OF_GRADIENTS:
            found += rule(run)
        if task is not None:
            found += _of_the_data(config, task, run.steps)
    return found


def fork_notes(parent: Config, config: Config, task: AnyTask, step: int, progress: EarlyStopping) -> list[Note]:
    """Return what is to be said of a fork at `step`, when `progress` is its parent's there: what it does not take over,
    where its learning rate jumps, and what of `notes` its parent did not have."""
    changed = config.differences(parent)
    found: list[Note] = []
    before = learning_rate(parent, step, progress.plateau_scale(parent.schedule.factor))
    after = learning_rate(config, step, progress.of_fork(parent, config).plateau_scale(config.schedule.factor))
    because = [path for path in changed if path in RATE_FIELDS or path.startswith("schedule.")]
    if shown(after) != shown(before) and because:
        verb = "lifts" if after > before else "lowers"
        text = f"{' and '.join(because)}: the fork {verb} the learning rate from {shown(before)} to {shown(after)}"
        found.append(Note(because[0], text))
    warmup = config.schedule.warmup_steps
    warmed = [path for path in ("schedule.warmup_steps", "schedule.warmup_start") if path in changed]
    if warmed and 0 < warmup <= step and config.schedule.name != "one_cycle":
        found.append(Note(warmed[0], f"{warmed[0]}: the warm-up of {counted(warmup, 'step')} is over at step {step:,}"))
    if not same_optimizer(parent, config):
        path = "optim.name" if "optim.name" in changed else "optim.momentum"
        found.append(
            Note(path, f"{path}: what {parent.optim.name} had gathered is left behind; it begins with nothing")
        )
    name, threshold = config.train.best_metric, config.train.stopping_threshold
    if threshold is not None and "train.best_metric" in changed and "train.stopping_threshold" not in changed:
        bound = "least" if direction_of(name) == "higher" else "most"
        text = (
            f"train.stopping_threshold {as_text(threshold)} was one of {parent.train.best_metric}; the fork ends as "
            f"soon as {name} is at {bound} {metric(name, threshold)}"
        )
        found.append(Note("train.stopping_threshold", text))
    elif threshold is not None and name == parent.train.best_metric and progress.reached(config.train):
        text = (
            f"train.stopping_threshold {as_text(threshold)}: {name} was {metric(name, progress.best_value)} at step "
            f"{progress.best_step:,} already, and the fork ends as soon as it is so again; off has it go on"
        )
        found.append(Note("train.stopping_threshold", text))
    if "train.seed" in changed:
        found.append(Note("train.seed", "train.seed draws other data from here on; the weights are the parent's"))
    known = notes(parent, task)
    return found + [note for note in notes(config, task, step) if note not in known]


def same_optimizer(one: Config, other: Config) -> bool:
    """Whether the optimizer can go on with what it gathered.

    PyTorch's rmsprop makes its momentum only at first; sgd's would lie still while it is off, and wake up stale.
    """
    same = one.optim.name == other.optim.name
    with_momentum = one.optim.name in ("sgd", "rmsprop")
    return same and not (with_momentum and bool(one.optim.momentum) != bool(other.optim.momentum))


def _unused(config: Config, typed: Collection[str]) -> Iterator[Note]:
    """What was set and does not count with this task, model, optimizer and schedule."""
    for facts in config.fields():
        condition = config.unmet(facts)
        value = config.value(facts.path)
        if condition is None or facts.path == "train.steps":
            continue
        if value == facts.default and (facts.path not in typed or not value):
            continue
        path, values = condition
        if path == "model.fitting":
            why = "least squares finds the weights at once"
        elif path == "schedule.name" and config.schedule.name == "one_cycle" and facts.name == "warmup_steps":
            why = "schedule.name one_cycle rises by itself"
        elif path == "task.answer":
            why = f'the task "{config.task.name}" reads no tokens'
        else:
            why = f"{path} is {as_text(config.value(path))}; it counts with {enumerated(values, 'or')}"
        yield Note(facts.path, f"{facts.path} {as_text(value)} has no effect: {why}")


@dataclass(frozen=True)
class _Run:
    """A configuration, how many steps it makes in all, and the first of them."""

    config: Config
    steps: int
    first: int

    @property
    def warmup(self) -> int:
        """The steps of the warm-up; one_cycle has none."""
        schedule = self.config.schedule
        return 0 if schedule.name == "one_cycle" else schedule.warmup_steps

    def evaluations(self, after: int = 0) -> int:
        """How many evaluations there are before the last step, and so in time to change anything."""
        every, first = self.config.train.evaluate_every, max(self.first, after)
        return max(0, (self.steps - 1) // every - first // every)


def _dropout(run: _Run) -> Iterator[Note]:
    dropout, layers = getattr(run.config.model, "dropout", 0.0), getattr(run.config.model, "num_layers", 0)
    if dropout and layers == 1:
        why = "it is applied between layers, and model.num_layers is 1"
        yield Note("model.dropout", f"model.dropout {as_text(dropout)} has no effect: {why}")


def _noise(run: _Run) -> Iterator[Note]:
    model = run.config.model
    noise, schedule = getattr(model, "hidden_noise", 0.0), getattr(model, "noise_schedule", "constant")
    if schedule != "constant" and not noise:
        text = f"model.noise_schedule {schedule} has no effect: model.hidden_noise is 0"
        yield Note("model.noise_schedule", text)
    elif schedule == "learning_rate" and run.config.schedule.name == "constant" and not run.warmup:
        text = "model.noise_schedule learning_rate has no effect: the learning rate is the same in every step"
        yield Note("model.noise_schedule", text)


def _decay(run: _Run) -> Iterator[Note]:
    optim = run.config.optim
    if optim.name == "adamw" and not optim.weight_decay:
        yield Note("optim.name", "optim.name adamw is the same as adam while optim.weight_decay is 0")
    if optim.weight_decay_on != "all" and not optim.weight_decay:
        which = f"optim.weight_decay_on {optim.weight_decay_on}"
        yield Note("optim.weight_decay_on", f"{which} has no effect: optim.weight_decay is 0")
    elif optim.weight_decay_on == "recurrent" and isinstance(run.config.model, WITHOUT_RECURRENT):
        why = f"model.name {run.config.model.name} has no matrix from hidden state to hidden state to pull at"
        yield Note("optim.weight_decay", f"optim.weight_decay {as_text(optim.weight_decay)} has no effect: {why}")


def _schedule(run: _Run) -> Iterator[Note]:
    name = run.config.schedule.name
    if run.config.optim.name == "schedule_free" and name != "constant":
        text = (
            f"schedule.name {name} lowers the learning rate, which optim.name schedule_free does without: try constant"
        )
        yield Note("schedule.name", text)


def _floor(run: _Run) -> Iterator[Note]:
    """A floor at the peak: the curve is flat."""
    schedule, lr = run.config.schedule, run.config.optim.lr
    if schedule.name == "constant" or schedule.min_lr < lr or run.warmup >= run.steps:
        return
    values = f"schedule.min_lr {as_text(schedule.min_lr)} is not below optim.lr {as_text(lr)}"
    yield Note("schedule.min_lr", f"{values}: the learning rate does not fall")


def _warmup(run: _Run) -> Iterator[Note]:
    schedule = run.config.schedule
    if schedule.name == "one_cycle":
        return
    if schedule.warmup_steps >= run.steps:
        text = (
            f"schedule.warmup_steps {schedule.warmup_steps:,} is not less than the run's "
            f"{counted(run.steps, 'step')}: the learning rate never reaches optim.lr, and "
            f"schedule.name {schedule.name} has no effect"
        )
        yield Note("schedule.warmup_steps", text)
    elif schedule.warmup_steps == 0:
        usual = type(schedule)()
        for name in ("warmup_start", "cosine_period") if schedule.name == "cosine" else ("warmup_start",):
            if getattr(schedule, name) != getattr(usual, name):
                path = f"schedule.{name}"
                text = f"{path} {as_text(getattr(schedule, name))} has no effect: schedule.warmup_steps is 0"
                yield Note(path, text)
    elif schedule.warmup_start == 1:
        text = "schedule.warmup_start 1: the warm-up does not rise, the learning rate is optim.lr from the first step"
        yield Note("schedule.warmup_start", text)


def _falls(run: _Run) -> Iterator[Note]:
    """Schedules that could fall, if the run were longer."""
    schedule, train = run.config.schedule, run.config.train
    if schedule.min_lr >= run.config.optim.lr or run.warmup >= run.steps:
        return
    if schedule.name == "step":
        done = max(0, run.first - run.warmup) // schedule.step_size
        if (run.steps - 1 - run.warmup) // schedule.step_size <= done:
            text = (
                f"schedule.step_size {schedule.step_size:,}: the learning rate falls no more in {_length(run)}"
                if done
                else f"schedule.step_size {schedule.step_size:,}: the learning rate never falls in {_length(run)}"
            )
            yield Note("schedule.step_size", text)
    elif schedule.name == "plateau":
        count = run.evaluations(after=run.warmup)
        # The first one is the lowest so far, whatever it is; a fork may have one.
        if count + (run.first > 0) < schedule.patience + 2:
            text = (
                f"schedule.patience {schedule.patience}: the learning rate never falls in {_length(run)}, with "
                f"{counted(count, 'evaluation')} (train.evaluate_every {train.evaluate_every:,}) in time"
            )
            yield Note("schedule.patience", text)


def _patience(run: _Run) -> Iterator[Note]:
    patience, count = run.config.train.early_stop, run.evaluations()
    if patience is not None and count <= patience:
        text = (
            f"train.early_stop {patience} can't end {_length(run)} early: it makes {counted(count, 'evaluation')} "
            f"(train.evaluate_every {run.config.train.evaluate_every:,}) before its last step"
        )
        yield Note("train.early_stop", text)


def _threshold(run: _Run) -> Iterator[Note]:
    """A threshold of what is no share is easily one that was meant for another metric."""
    train = run.config.train
    threshold, name = train.stopping_threshold, train.best_metric
    if threshold is None:
        return
    higher = direction_of(name) == "higher"
    low, high = bounds_of(name)
    value = metric(name, threshold)
    when = f"train.stopping_threshold {as_text(threshold)}: the run ends "
    if threshold <= low if higher else threshold >= high:
        yield Note("train.stopping_threshold", f"{when}at its first evaluation, for any {name} is as good as {value}")
    elif not math.isfinite(high):
        text = f"{when}as soon as {name} is {'at least' if higher else 'at most'} {value}"
        yield Note("train.stopping_threshold", text)


def _curriculum(run: _Run) -> Iterator[Note]:
    task = run.config.task
    rising = getattr(task, "curriculum_steps", 0)
    if not rising:
        return
    low, high = getattr(task, "min_length", 0), getattr(task, "max_length", 0)
    if low == high:
        text = f"task.curriculum_steps {rising:,} has no effect: task.min_length and task.max_length are {high:,} both"
        yield Note("task.curriculum_steps", text)
        return
    longest = int(longest_by_step(low, high, rising, run.steps - 1, 1)[0])
    if longest < high:
        # Of a fork, too, they count from the first step of all.
        whole = f"a run of {counted(run.steps, 'step')}"
        text = (
            f"task.curriculum_steps {rising:,} is more than {whole}: it trains on lengths up to {longest:,} only, not "
            f"up to task.max_length {high:,}"
        )
        yield Note("task.curriculum_steps", text)


def _reading(run: _Run) -> Iterator[Note]:
    """How a file is read, without one."""
    task = run.config.task
    if getattr(task, "file", "no such field") is not None:
        return
    for name in READING:
        value = getattr(task, name, None)
        if value is not None and value != type(task).model_fields[name].default:
            yield Note(f"task.{name}", f"task.{name} {as_text(value)} has no effect: task.file is off")


def _intervals(run: _Run) -> Iterator[Note]:
    """Intervals that the run never comes to the end of."""
    words = {"log_every": "logs", "evaluate_every": "evaluates", "checkpoint_every": "saves"}
    values = {name: getattr(run.config.train, name) for name in words}
    longer = [name for name, every in values.items() if run.steps // every == run.first // every]
    # What is saved because it is the best is saved at an evaluation.
    best = run.config.train.keeps_best and "checkpoint_every" in longer and "evaluate_every" not in longer
    if best:
        longer.remove("checkpoint_every")
        text = f"train.checkpoint_every {values['checkpoint_every']:,} is more than {_length(run)}: it saves at its end"
        yield Note("train.checkpoint_every", f"{text}, and whenever train.best_metric is best")
    if longer:
        which = enumerated([f"train.{name} {values[name]:,}" for name in longer], "and")
        does = enumerated([words[name] for name in longer], "and")
        what = "is more than" if len(longer) == 1 else "are more than"
        yield Note(f"train.{longer[0]}", f"{which} {what} {_length(run)}: it {does} at its end only")


def _solved_at_once(run: _Run) -> Iterator[Note]:
    if run.steps > 1:
        text = f"train.steps {run.steps:,}: least squares finds the weights in the first, the others change nothing"
        yield Note("train.steps", text)


Rules = tuple[Callable[[_Run], Iterator[Note]], ...]
OF_GRADIENTS: Rules = (
    _dropout,
    _noise,
    _decay,
    _schedule,
    _floor,
    _warmup,
    _falls,
    _patience,
    _threshold,
    _curriculum,
    _reading,
    _intervals,
)
OF_LEAST_SQUARES: Rules = (_dropout, _reading, _solved_at_once)


def _of_the_data(config: Config, task: AnyTask, steps: int) -> Iterator[Note]:
    epochs, typed = config.train.epochs, config.train.steps
    if epochs is not None and typed not in (steps, type(config.train)().steps):
        text = f"train.steps {typed:,} has no effect: train.epochs {as_text(epochs)} makes {counted(steps, 'step')}"
        yield Note("train.steps", text)
    reason = None if isinstance(config.model, AutoregressiveConfig) else why_not_fused(config, task)
    if config.train.backend == "auto" and reason is not None:
        yield Note("train.backend", not_fused(reason))
    if config.train.processes > 1 and not isinstance(config.model, AutoregressiveConfig):
        yield from _too_small(config, task)


def _cores(config: Config) -> Iterator[Note]:
    """Threads beyond the machine's cores take turns on them."""
    train, here = config.train, cores_here()
    if train.threads > 1 and train.cores > here:
        each = f" in each of {train.processes} processes" if train.processes > 1 else ""
        yield Note(
            "train.threads",
            f"train.threads {train.threads:,}{each}: this machine has {counted(here, 'core')}; more threads than cores "
            "are slower",
        )


def _too_small(config: Config, task: AnyTask) -> Iterator[Note]:
    """Several processes wait for each other at each step, for about as long as such a model computes."""
    train, size = config.train, model_size(task, config.model)
    if size is None:
        return
    length = task.batches(train.seed, 0, 1, 1).inputs.shape[2]
    products = size.others * train.batch_size * length
    if products < WORTH_A_PROCESS * train.processes:
        rounded = counted(round(products, 2 - len(str(products))), "multiplication")
        yield Note(
            "train.processes",
            f"train.processes {train.processes} is likely slower than 1: a step has about {rounded}, and each process "
            f"needs {WORTH_A_PROCESS:,} to gain",
        )


def not_fused(reason: str) -> str:
    """Return the sentence that says why torch computes a run."""
    return f"computed by torch, not by compiled code: {reason}"


def _length(run: _Run) -> str:
    steps = counted(run.steps - run.first, "step")
    return f"the {steps} of this fork" if run.first else f"a run of {steps}"
