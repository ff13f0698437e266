"""The presets under the names of their tasks; typing finds, the one under the cursor is the chosen one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from seqsum.config import Config
from seqsum.glossary import sources_in
from seqsum.presets import Preset
from seqsum.registry import task_type
from seqsum.text import one_line, printable
from seqsum_tui.shared.links import linked

CHOSEN = "▸"


class PresetList(OptionList):
    """Presets by name, grouped by task. Letters and digits search every word said of them; backspace takes one back."""

    @dataclass
    class Chosen(Message):
        """Another preset is under the cursor."""

        preset: Preset

    class Accepted(Message):
        """The person is done choosing: enter, or a double click."""

    @dataclass
    class Searched(Message):
        """What is searched for changed; `found` presets match."""

        text: str
        found: int

    def __init__(self, presets: Sequence[Preset], chosen: Preset, id: str | None = None) -> None:
        self.presets = tuple(presets)
        self.chosen = chosen
        self.query_text = ""
        super().__init__(*self._grouped(self.presets), id=id, markup=False)
        self._point()

    @property
    def shown(self) -> list[str]:
        """The names of the presets that are listed, from top to bottom."""
        return [option.id for option in self.options if option.id is not None]

    def search(self, text: str) -> None:
        """Show the presets that hold every word of `text`, names first; the best becomes the chosen one."""
        self.query_text = text
        found = [preset for preset in self.presets if matches(preset, text)]
        if text.strip():
            found.sort(key=lambda preset: _rank(preset.name.lower(), text.lower().strip()))
        if text.strip() and found:
            self._choose(found[0])
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options(self._grouped(found))
            self._point()
        self.post_message(self.Searched(text, len(found)))

    def take(self, presets: Sequence[Preset], chosen: Preset) -> None:
        """Show other presets, all of them, with one that is chosen."""
        self.presets, self.chosen = tuple(presets), chosen
        self.search("")

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return self._searches(character)

    async def _on_key(self, event: events.Key) -> None:
        if self._searches(event.character):
            self.search(self.query_text + str(event.character))
        elif event.key == "backspace" and self.query_text:
            self.search(self.query_text[:-1])
        elif event.key in ("ctrl+u", "ctrl+w") and self.query_text:
            self.search("")
        else:
            return
        event.stop()
        event.prevent_default()

    async def _on_click(self, event: events.Click) -> None:
        # A click only chooses: going on with one click would start what one wanted to read first.
        event.prevent_default()
        place = event.style.meta.get("option")
        if place is not None and not self.options[place].disabled:
            self.highlighted = place
            if event.chain == 2:
                self.post_message(self.Accepted())

    def on_resize(self) -> None:
        """Keep the cursor in sight when a longer command line takes a line from the list."""
        self.call_after_refresh(self.scroll_to_highlight)

    def scroll_to_highlight(self, top: bool = False) -> None:
        """Show the line under the cursor; when it is the first of its task, the task's line above it too."""
        place = self.highlighted
        if not place or not self.is_mounted or not self.options[place - 1].disabled:
            super().scroll_to_highlight(top)
            return
        self._update_lines()
        y = self._index_to_line.get(place - 1)
        if y is not None:
            region = Region(0, y, self.scrollable_content_region.width, 2)
            self.scroll_to_region(region, force=True, animate=False, immediate=True)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._choose(next(preset for preset in self.presets if preset.name == event.option_id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Accepted())

    def _searches(self, character: str | None) -> bool:
        return character is not None and (
            character.isalnum() or character in "_-." or bool(self.query_text and character == " ")
        )

    def _choose(self, preset: Preset) -> None:
        if preset is not self.chosen:
            before, self.chosen = self.chosen, preset
            for option in self.options:
                if option.id in (before.name, preset.name):
                    self.replace_option_prompt(option.id, self._words(option.id))
            self.post_message(self.Chosen(preset))

    def _point(self) -> None:
        names = [option.id for option in self.options]
        self.highlighted = names.index(self.chosen.name) if self.chosen.name in names else None

    def _grouped(self, presets: Sequence[Preset]) -> Iterator[Option]:
        """Yield the presets task by task, each task where its first preset stands."""
        tasks: dict[str, list[Preset]] = {}
        for preset in presets:
            tasks.setdefault(task_title(preset), []).append(preset)
        for title, members in tasks.items():
            yield Option(Content.styled(title, "bold $primary"), disabled=True)
            yield from (Option(self._words(preset.name), id=preset.name) for preset in members)

    def _words(self, name: str) -> Content:
        return Content.styled(f"{CHOSEN if name == self.chosen.name else ' '} {printable(name)}", "bold")


class PresetDetail(VerticalScroll, can_focus=False):
    """What the chosen preset is, what to look for, and where it differs from the defaults."""

    def __init__(self, preset: Preset, id: str | None = None) -> None:
        super().__init__(id=id)
        self._words = Static(markup=False)
        self.show(preset)

    def compose(self) -> ComposeResult:
        yield self._words

    def show(self, preset: Preset) -> None:
        """Show another preset, from its top."""
        self._words.update(detail(preset))
        self.scroll_home(animate=False)


def task_title(preset: Preset) -> str:
    """What the preset's task is called; plug-ins name their own."""
    return one_line(task_type(preset.config.task.name).title)


def detail(preset: Preset) -> Content:
    """A preset in words: title, description, what to look for, what it sets."""
    sets = [f"{path} {now}" for path, (now, _) in preset.config.differences(Config()).items() if now]
    sources = sources_in(f"{preset.title} {preset.description} {preset.look_for}")
    return Content.assemble(
        (printable(preset.title), "bold $primary"),
        "\n" + printable(preset.description),
        ("\n\nWhat to look for\n" if preset.look_for else "", "bold"),
        printable(preset.look_for),
        ("\n\nWhat it sets  ", "bold"),
        printable(", ".join(sets)) if sets else "nothing: these are the defaults",
        linked("\n\n" + "\n".join(sources) if sources else "", "$foreground-muted"),
    )


def matches(preset: Preset, text: str) -> bool:
    """Whether every word of `text` is part of the preset's name, or begins a word of what is said of it."""
    said = " ".join((task_title(preset), preset.title, preset.description, preset.look_for))
    return all(
        word.lower() in preset.name.lower() or re.search(rf"\b{re.escape(word)}", said, re.IGNORECASE)
        for word in text.split()
    )


def _rank(name: str, text: str) -> int:
    return 0 if name.startswith(text) else 1 if text in name else 2
