"""The command palette: every action of the screen in front, and every run by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content


class Command(NamedTuple):
    name: str
    help: str
    run: Callable[[], object]


class ScreenCommands(Provider):
    """Offers what the keys of the screen offer, in words; plus what the screen adds in `extra_commands`."""

    def _commands(self) -> Iterator[Command]:
        screen = self.screen
        seen: set[str] = set()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if not enabled or not binding.id or not tooltip or binding.action in seen or node is not screen:
                continue
            seen.add(binding.action)
            key = self.app.get_key_display(binding)
            words_of_id = binding.id.partition(".")[2].replace("_", " ").capitalize()
            name = f"{words_of_id}  ({key})"
            yield Command(name, tooltip, partial(self.app.run_action, binding.action, node))
        extra = getattr(screen, "extra_commands", None)
        if extra is not None:
            yield from extra()

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for command in self._commands():
            yield DiscoveryHit(Content(command.name), command.run, text=command.name, help=command.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches, by its name or by what it does."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.name), 0.7 * matcher.match(command.help))
            if score > 0:
                yield Hit(score, Content(command.name), command.run, text=command.name, help=command.help)
