"""Values that a person changes while a run trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqsum.config import LIVE_FIELDS
from seqsum.errors import UserError
from seqsum.runs import Command, Store
from seqsum.runs.access import hand
from seqsum.schema import as_text
from seqsum.worker.patience import log

if TYPE_CHECKING:
    from seqsum.training.trainer import Trainer


class LiveChanges:
    """Changes a trainer's live fields, now and, where a run goes on from a checkpoint, again at the same steps.

    values: field → value, of what was changed so far
    """

    def __init__(self, store: Store, trainer: Trainer, values: dict[str, Any]) -> None:
        self.values = values
        self._store, self._trainer = store, trainer
        later: list[tuple[int, str, str]] = []  # (step, field, value)
        for event in store.events(kind="set"):
            field = event.detail["field"]
            # A change made later but at an earlier step, after going back, is the person's last word on the field.
            later = [change for change in later if change[0] <= event.step or change[1] != field]
            later.append((event.step, field, event.detail["new"]))
        self._later = sorted((change for change in later if change[0] >= trainer.step), key=lambda change: change[0])

    @property
    def steps(self) -> list[int]:
        """Where values are to be changed again."""
        return [step for step, _, _ in self._later]

    def replay(self) -> None:
        """Change again what was changed at this step."""
        while self._later and self._later[0][0] <= self._trainer.step:
            _, field, value = self._later.pop(0)
            self._trainer.change(field, value)
            self._refine()
            self.values[field] = value
            self._store.set_state(changes=self.values)

    def obey(self, command: Command) -> None:
        """Change what a `set` command asks for, and answer it."""
        trainer, store = self._trainer, self._store
        field, value = str(command.arguments.get("field")), str(command.arguments.get("value"))
        if field not in LIVE_FIELDS:
            store.finish_command(command.id, False, f'"{field}" can\'t change while a run trains')
            return
        who = hand(command.arguments.get("by"))
        old, by = as_text(trainer.config.value(field)), {"by": who} if who else {}
        try:
            trainer.change(field, value)
        except UserError as error:
            store.finish_command(command.id, False, str(error))
            return
        new = as_text(trainer.config.value(field))
        self._refine()
        self.values[field] = new
        self._later = [change for change in self._later if change[1] != field]

        def tell() -> None:
            store.add_event(trainer.step, "set", field=field, old=old, new=new, **by)
            store.set_state(changes=self.values)
            store.finish_command(command.id, True, f"{field} = {new} from step {trainer.step:,}", step=trainer.step)

        store.write(tell)
        log(f"{field}: {old} -> {new} at step {trainer.step:,}")

    def _refine(self) -> None:
        """Have the store ready for points that lie closer than they did."""
        train = self._trainer.config.train
        self._store.refine(min(train.log_every, train.evaluate_every))
