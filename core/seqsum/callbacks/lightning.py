"""For Lightning: `Trainer(callbacks=[SeqsumCallback("my-run")])`."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback

from seqsum.watching import WatchedRun, watch


class SeqsumCallback(Callback):  # type: ignore[misc]
    """Logs what the module logs, pauses and stops as the console asks. What is given goes to `seqsum.watch`; without a
    config the module's hyper-parameters."""

    def __init__(self, name: str | None = None, config: object = None, **given: Any) -> None:
        self.run: WatchedRun | None = None
        self._begin, self._config, self._held_out = (name, given), config, set[str]()

    def on_train_start(self, trainer: Any, module: Any) -> None:
        if trainer.is_global_zero:
            (name, given), steps = self._begin, trainer.estimated_stepping_batches
            given = {"total_steps": int(steps) if steps < 2**53 else 0, **given}
            self.run = watch(name, self._config or dict(module.hparams), **given)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if self.run is not None:
            found = {name: value for name, value in trainer.callback_metrics.items() if name not in self._held_out}
            self.run.log(trainer.global_step, **found)
            self.run.paused()
            trainer.should_stop = trainer.should_stop or self.run.should_stop

    def on_validation_start(self, trainer: Any, module: Any) -> None:
        self._before = set(trainer.callback_metrics)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        # What the module measured here stays among its metrics until it is measured again.
        self._held_out |= set(trainer.callback_metrics) - self._before
        if self.run is not None and not trainer.sanity_checking:
            found = {name: value for name, value in trainer.callback_metrics.items() if name in self._held_out}
            self.run.log(trainer.global_step, **found)

    def on_train_end(self, *_: Any) -> None:
        if self.run is not None:
            self.run.__exit__(None, None, None)

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        if self.run is not None:
            self.run.__exit__(type(exception), exception, exception.__traceback__)
