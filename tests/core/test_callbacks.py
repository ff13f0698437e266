"""The callbacks train for real, each with its own library, where that is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.runs import Run, Workspace
from seqsum.runs.run import Summary
from support.engine import wait_until

STEPS = 24
ROWS = torch.randn(48, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))


def ended() -> tuple[Run, Summary]:
    (run,) = Workspace().runs()
    return run, run.summary()


def curve(run: Run, metric: str) -> dict[int, float]:
    with run.store() as store:
        steps, values = store.points(metric)
    return dict(zip(steps.tolist(), values.tolist(), strict=True))


def in_lightning(seen: list[float], **more: Any) -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    from seqsum.callbacks.lightning import SeqsumCallback

    class Module(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self, hidden: int = 4) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Linear(hidden, 1)

        def training_step(self, batch: torch.Tensor, place: int) -> torch.Tensor:
            loss = self.net(batch).pow(2).mean()
            seen.append(float(loss))
            if more.get("fails") and len(seen) == 5:
                raise ArithmeticError("no way")
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: torch.Tensor, place: int) -> None:
            self.log("eval_loss", self.net(batch).pow(2).mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    class Stops(lightning.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == more.get("stop_at"):
                ask_to_stop(callback)

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    callback = SeqsumCallback("mine", tags=["t"])
    callbacks = [callback, Stops()]
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", log_every_n_steps=1, callbacks=callbacks, **quiet)
    trainer.fit(Module(), *(torch.utils.data.DataLoader(ROWS, batch_size=4) for _ in range(2)))


def in_transformers(seen: list[float], **more: Any) -> None:
    transformers = pytest.importorskip("transformers", reason="Transformers is not installed")
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    from seqsum.callbacks.transformers import SeqsumCallback

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": self.net(x).pow(2).mean()}

    class Sees(transformers.TrainerCallback):  # type: ignore[name-defined, misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            seen.extend([logs["loss"]] if "loss" in logs else [])

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == more.get("stop_at"):
                ask_to_stop(callback)

    arguments = transformers.TrainingArguments(
        "out", num_train_epochs=2, per_device_train_batch_size=4, logging_steps=1, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    data = [{"x": row} for row in ROWS]
    callback = SeqsumCallback("mine", tags=["t"])
    transformers.Trainer(Net(), arguments, train_dataset=data, callbacks=[callback, Sees()]).train()


def in_keras(seen: list[float], **more: Any) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    from seqsum.callbacks.keras import SeqsumCallback

    class Sees(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(logs["loss"])

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if len(seen) == more.get("stop_at"):
                ask_to_stop(callback)

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = ROWS.numpy()
    held_out = (rows, np.zeros((len(rows), 1)))
    callback = SeqsumCallback("mine", tags=["t"])
    model.fit(*held_out, batch_size=4, epochs=2, verbose=0, callbacks=[callback, Sees()], validation_data=held_out)


def ask_to_stop(callback: Any) -> None:
    """As the console does; the loop's own thread goes on only when that was heard."""
    (run,) = Workspace().runs()
    with run.store() as store:
        store.post_command("stop")
    wait_until(lambda: callback.run.should_stop, "that it is heard")


LIBRARIES = [in_lightning, in_transformers, in_keras]


@pytest.mark.parametrize("train", LIBRARIES)
def test_what_the_library_measures_is_in_the_run(train: Any) -> None:
    seen: list[float] = []
    train(seen)
    run, summary = ended()
    assert (summary.name, summary.status, summary.step, summary.steps, summary.tags) == (
        "mine",
        "finished",
        STEPS,
        STEPS,
        ("t",),
    )
    losses = curve(run, "loss")
    assert list(losses) == list(range(1, STEPS + 1)) and list(losses.values()) == pytest.approx(seen, rel=1e-5)
    held_out = curve(run, {"in_lightning": "eval_loss", "in_keras": "val_loss"}.get(train.__name__, "loss"))
    assert list(held_out) == ([12, 24] if train is not in_transformers else list(losses))
    assert run.settings()


@pytest.mark.parametrize("train", LIBRARIES)
def test_a_stop_in_the_console_ends_it(train: Any) -> None:
    train([], stop_at=7)
    _, summary = ended()
    assert (summary.status, summary.reason) == ("stopped", "stopped by command") and 7 <= summary.step <= 8


def test_lightning_tells_of_a_crash() -> None:
    with pytest.raises(ArithmeticError, match="no way"):
        in_lightning([], fails=True)
    run, summary = ended()
    assert summary.status == "died" and "ArithmeticError: no way" in (summary.reason or "")
    assert "training_step" in "\n".join(run.log_tail(200))
