"""The command palette: every action of the screen in front and of what has the cursor, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, cast

from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from seqsum_tui.key import by_itself
from seqsum_tui.shared.context import Context


class Command(NamedTuple):
    name: str
    help: str
    run: Callable[[], object]


class ScreenCommands(Provider):
    """Offers what the keys do, in words: the screen's own first, as they stand in its line of keys, then those of the
    part that has the cursor, then what the screen adds in `extra_commands`, and the app's own actions.

    One provider for all: the palette asks several in no order.
    """

    def commands(self) -> Iterator[Command]:
        seen: set[str] = set()
        bindings = sorted(self._bindings(), key=lambda one: (one[0] is not self.screen, not one[1].show))
        for node, binding, tooltip in bindings:
            assert binding.id is not None
            if binding.action in seen:
                continue
            seen.add(binding.action)
            # What stands in the line of keys is called as it is there.
            words = binding.description if binding.show else words_of(binding.id)
            name = f"{words}  ({self.app.get_key_display(by_itself(binding))})"
            yield Command(name, tooltip, partial(self.app.run_action, binding.action, node))
        extra = getattr(self.screen, "extra_commands", None)
        if extra is not None:
            yield from extra()
        for command in self.app.get_system_commands(self.screen):
            yield Command(command.title, command.help, command.callback)

    def _bindings(self) -> Iterator[tuple[DOMNode, Binding, str]]:
        """Yield what can be done now: also by keys that mean something else where the cursor is."""
        screen = self.screen
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if enabled and binding.id and tooltip and not isinstance(node, App):
                yield node, binding, tooltip
        for binding in Binding.make_bindings(screen.BINDINGS):
            namespace, name, parameters = parse(binding.action)
            if namespace or not binding.id or not binding.tooltip or not hasattr(screen, f"action_{name}"):
                continue
            if screen.check_action(name, parameters):
                keys = cast("Context", self.app).keymap.get(binding.id)
                yield screen, binding if keys is None else binding.with_key(keys.split(",")[0]), binding.tooltip

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for command in self.commands():
            yield DiscoveryHit(Content(command.name), command.run, text=command.name, help=command.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches, by its name or by what it does."""
        matcher = self.matcher(query)
        for command in self.commands():
            score = max(matcher.match(command.name), 0.7 * matcher.match(command.help))
            if score > 0:
                yield Hit(score, Content(command.name), command.run, text=command.name, help=command.help)


def words_of(id: str) -> str:
    """`live.learning_rate` → `Learning rate`."""
    return id.partition(".")[2].replace("_", " ").capitalize()
