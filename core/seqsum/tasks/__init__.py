"""What is learned. A task makes batches, knows the right answer, reads what a person types and renders an answer.

May import `schema`, `errors` and what lies below; knows no model.
"""

from seqsum.tasks import (
    addition,
    character_lm,
    chomsky,
    countdown,
    counting,
    dates,
    forecast,
    memorise_noise,
    next_number,
    pairs,
    permutations,
    running_sum,
    sum_modulo,
    tagging,
    text_classification,
)
from seqsum.tasks.base import AnyTask, Batches, Examples, InputSpace, Task, TaskConfig

__all__ = ["AnyTask", "Batches", "Examples", "InputSpace", "Task", "TaskConfig"]
