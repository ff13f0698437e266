"""For Keras: `model.fit(…, callbacks=[SeqsumCallback("my-run")])`."""

from __future__ import annotations

from typing import Any

from keras.callbacks import Callback

from seqsum.watching import WatchedRun, watch


class SeqsumCallback(Callback):  # type: ignore[misc]
    """Logs Keras' metrics after each batch (means over the epoch so far) and epoch, pauses and stops as the console
    asks. What is given goes to `seqsum.watch`; without a config the optimizer's settings."""

    def __init__(self, name: str | None = None, config: object = None, **given: Any) -> None:
        super().__init__()
        self.run: WatchedRun | None = None
        self._begin, self._config, self._step = (name, given), config, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        (name, given), steps = self._begin, (self.params.get("steps") or 0) * (self.params.get("epochs") or 0)
        config = self._config or {"optimizer": self.model.optimizer.get_config()}
        self.run, self._step = watch(name, config, **{"total_steps": steps, **given}), 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.run is not None:
            self._step += 1
            self.run.log(self._step, **(logs or {}))
            self.run.paused()
            self.model.stop_training = self.model.stop_training or self.run.should_stop

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.run is not None:
            self.run.log(self._step, **(logs or {}))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self.run is not None:
            self.run.__exit__(None, None, None)
