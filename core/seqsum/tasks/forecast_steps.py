"""What a forecaster reads at each step: the value, what is seen beside it, and what is known of the next step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.formatting import full
from seqsum.schema import shown
from seqsum.tasks.base import Inputs, Ints
from seqsum.tasks.number_format import NumberFormat
from seqsum.tasks.series_codec import MISSING, ColumnScale
from seqsum.text import one_line


class Scale(ColumnScale):
    """The scale of a column that is read from a file."""

    @classmethod
    def fitted(cls, name: str, training: NDArray[np.float64], form: NumberFormat, setting: str) -> Scale:
        """Find the scale of a training part, float64 [n]; raises UserError where nothing can be learned from it.

        setting: the one that names the column, for the message
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(training.mean()), float(training.std())
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            raise UserError(
                f"{setting}: the values of {shown(name)} are too large to compute with; give them in a larger unit"
            )
        if training.min() == training.max() or deviation == 0:
            own = "there is nothing to learn from a constant series"
            why = own if setting == "task.column" else "leave it out, for a constant says nothing"
            alike = f"the {len(training)} training values of {shown(name)} are all {full(float(training[0]))}"
            raise UserError(f"{setting}: {alike}; {why}")
        return cls(name, mean, deviation, form)

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            return ((values - self.mean) / self.deviation).astype(np.float32)

    def read(self, scaled: NDArray[Any]) -> list[float]:
        """Return standardised values in the data's units, with no more digits than a float32 holds."""
        return self.values(scaled.reshape(-1).tolist())


@dataclass(frozen=True)
class Steps:
    """What stands at each step t: the value of t, the inputs of t, and the known columns of t + 1, all standardised.

    What is known of t itself stood at the step before. features: how many numbers that makes
    """

    value: Scale
    inputs: tuple[Scale, ...] = ()
    known: tuple[Scale, ...] = ()

    @property
    def features(self) -> int:
        return 1 + len(self.inputs) + len(self.known)

    @property
    def _scales(self) -> tuple[Scale, ...]:
        return (self.value, *self.inputs, *self.known)

    @property
    def names(self) -> str:
        """The columns as a typed row has them: `sales;price;promo`."""
        return ";".join(one_line(scale.name) for scale in self._scales)

    @property
    def ahead(self) -> str:
        """The columns as the row of a step to be forecast has them: `?;?;promo`."""
        return ";".join([MISSING] * (1 + len(self.inputs)) + [one_line(scale.name) for scale in self.known])

    def standardised(
        self,
        values: NDArray[np.float64],
        inputs: Sequence[NDArray[np.float64]] = (),
        known: Sequence[NDArray[np.float64]] = (),
    ) -> NDArray[np.float32]:
        """Return the steps of a series: float32 [n + ahead, features], NaN where nothing is known.

        values, inputs: float64 [n]; known: float64 [n + ahead]
        """
        length = len(known[0]) if known else len(values)
        steps = np.full((length, self.features), np.nan, dtype=np.float32)
        for place, (scale, column) in enumerate(zip((self.value, *self.inputs), (values, *inputs), strict=True)):
            steps[: len(values), place] = scale.standardise(column)
        for place, (scale, column) in enumerate(zip(self.known, known, strict=True), start=1 + len(inputs)):
            steps[:-1, place] = scale.standardise(column)[1:]
        return steps

    def most_ahead(self, steps: NDArray[np.float32], place: int) -> int | None:
        """How many values from a place on can be forecast, by what is known there; None: any number."""
        return max(0, len(steps) - place) if self.known else None

    def beside(self, steps: NDArray[np.float32], places: Ints, ahead: int) -> NDArray[np.float32] | None:
        """Return what stands beside each of `ahead` forecasts as it is fed back, from each place on: float32 [places,
        ahead − 1, features − 1]; None where it stands alone.

        The inputs stay as they were last, for nobody knows them; the known columns are those of the steps.
        """
        if self.features == 1:
            return None
        held = np.repeat(steps[places - 1, None, 1 : 1 + len(self.inputs)], ahead - 1, axis=1)
        if not self.known:
            return held
        return np.concatenate([held, steps[places[:, None] + np.arange(ahead - 1), 1 + len(self.inputs) :]], axis=2)

    def as_typed(self, steps: Inputs) -> str:
        """Write steps, float32 [n, features], as rows of the data that one can type; with known columns the last row is
        that of the step to be forecast."""
        past, columns = 1 + len(self.inputs), []
        for place, scale in enumerate(self._scales):
            texts = scale.format.texts(scale.read(steps[:, place]))
            columns.append([MISSING, *texts] if place >= past else [*texts, MISSING] if self.known else texts)
        return " ".join(";".join(row) for row in zip(*columns, strict=True))

    def names_of(self, steps: Inputs) -> list[str]:
        """Write each step, float32 [n, features], by what stands there."""
        columns = [scale.format.texts(scale.read(steps[:, place])) for place, scale in enumerate(self._scales)]
        return [";".join(row) for row in zip(*columns, strict=True)]
