"""The loop, schedules, checkpoints, evaluation and the step backends."""
