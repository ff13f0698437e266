"""For Transformers: `Trainer(…, callbacks=[SeqsumCallback("my-run")])`."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from seqsum.watching import WatchedRun, watch


class SeqsumCallback(TrainerCallback):  # type: ignore[misc]
    """Logs what the Trainer logs, pauses and stops as the console asks. What is given goes to `seqsum.watch`; without a
    config the Trainer's arguments."""

    def __init__(self, name: str | None = None, config: object = None, **given: Any) -> None:
        self.run: WatchedRun | None = None
        self._begin, self._config = (name, given), config

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            name, given = self._begin
            self.run = watch(
                name, self._config or args.to_sanitized_dict(), **{"total_steps": state.max_steps, **given}
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
        if self.run is not None:
            self.run.log(
                state.global_step, **{name: value for name, value in logs.items() if type(value) in (int, float)}
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.run is not None:
            self.run.paused()
            control.should_training_stop = control.should_training_stop or self.run.should_stop

    def on_train_end(self, *_: Any, **__: Any) -> None:
        if self.run is not None:
            self.run.__exit__(None, None, None)
