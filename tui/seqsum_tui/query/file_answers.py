"""The lines of a file, or those that were pasted, each asked of every model; and the list of what they answered."""

from __future__ import annotations

from collections.abc import Callable

from seqsum_tui.query.asker import Asker
from seqsum_tui.query.said import Said
from seqsum_tui.query.views.whole import batch


class FileAnswers:
    """Asks each line, and makes a view of the answers. `shown` is called when there is another view."""

    def __init__(self, asker: Asker, shown: Callable[[], None]) -> None:
        self._asker, self._shown = asker, shown
        self._name, self._wrong_only = "", False
        self._answers: list[list[tuple[str, Said | str]]] = []

    @property
    def there(self) -> bool:
        """Whether a file was asked."""
        return bool(self._answers)

    async def ask(self, name: str, questions: tuple[str, ...]) -> None:
        """Have every model answer each question. name: what the list of them is called."""
        self._name, self._answers = name, []
        for asking in self._asker.askings:
            answers: list[tuple[str, Said | str]] = []
            self._answers.append(answers)
            await self._asker.answer_each(asking, questions, answers)
        self._show()

    def turn_wrong(self) -> None:
        """List the wrong answers alone, or all."""
        self._wrong_only = not self._wrong_only
        self._show()

    def _show(self) -> None:
        for asking, answers in zip(self._asker.askings, self._answers, strict=False):
            asking.made["file"] = [batch(self._name, answers, self._wrong_only)]
        self._shown()
