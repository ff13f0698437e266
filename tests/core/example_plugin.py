"""A task of one's own: put this file into ~/.config/seqsum/plugins, or name it in SEQSUM_PLUGINS."""

from typing import Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.registry import register_task
from seqsum.schema import setting
from seqsum.tasks.base import Batches, Examples, Task, TaskConfig
from seqsum.tasks.stream import StepStream, below


class LargestConfig(TaskConfig):
    name: Literal["largest"] = setting("largest", "the task: the largest number of a row")
    numbers: int = setting(6, "numbers run from 0 up to one less", ge=2, le=50, unit="classes")
    length: int = setting(4, "numbers in a row", ge=1, le=100, unit="tokens")


@register_task
class Largest(Task[LargestConfig]):
    """Read a row of numbers, answer with the largest."""

    config_type, title, answer = LargestConfig, "The largest number", "class"

    def __init__(self, config):
        super().__init__(config)
        self.vocabulary = self.classes = config.numbers  # tokens to read, classes to choose from
        self.input_hint = f"numbers from 0 to {config.numbers - 1}, separated by spaces"

    def batches(self, seed, first_step, steps, batch_size):  # the same numbers for the same (seed, step)
        shape = (steps, batch_size, self.config.length)
        words = StepStream(seed, "largest/train", batch_size * self.config.length).words(first_step, steps)
        tokens = below(words, self.vocabulary).reshape(shape)
        return Batches(tokens, np.full(shape[:2], self.config.length), tokens.max(axis=2))

    def held_out(self, low=None, high=None):  # always the same questions
        tokens = np.random.default_rng(1).integers(0, self.vocabulary, size=(500, self.config.length))
        yield Examples(tokens, np.full(500, self.config.length), tokens.max(axis=1))

    def parse(self, text):  # what a person types
        words = text.split()
        if not words or not set(words) <= {str(number) for number in range(self.vocabulary)}:
            raise UserError(f"input: type {self.input_hint}")
        return np.array(words, dtype=np.int64)

    def truth(self, inputs):
        return int(inputs.max())
