"""What a person sets once for the console: theme, keys, layout. A TOML file of their own; nothing here knows a screen.

A file that can't be read, or a value in it that is wrong, never stops the console: it is told in a sentence
(`problems`), and the default stands in its place. Imports only what the first paint can afford.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqsum.errors import did_you_mean
from seqsum.files import write_atomically
from seqsum.formatting import full
from seqsum.text import one_line

Kind = Literal["choice", "bool", "int", "float"]
Value = str | bool | int | float


@dataclass(frozen=True)
class Option:
    """One setting: its kind, default, what it means, and what it may be."""

    name: str
    kind: Kind
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str | None = None

    def problem(self, value: object) -> str | None:
        """Return why the value can't be used, or None."""
        if self.kind == "choice":
            if isinstance(value, str) and (value in self.choices or not self.choices):
                return None
            names = f"must be one of {', '.join(self.choices)}, got {_shown(value)}"
            return names + did_you_mean(str(value), self.choices)
        if self.kind == "bool":
            return None if isinstance(value, bool) else f"must be true or false, got {_shown(value)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"must be a number, got {_shown(value)}"
        if self.kind == "int" and not isinstance(value, int):
            return f"must be a whole number, got {_shown(value)}"
        # Written so that NaN, which compares with nothing, is refused.
        if self.low is not None and self.high is not None and not self.low <= value <= self.high:
            return f"must be {full(self.low)} to {full(self.high)}, got {_shown(value)}"
        return None


THEME = "seqsum"
OPTIONS = (
    Option("theme", "choice", THEME, "the colours of the console; series keep colours that the colour-blind can tell"),
    Option("refresh", "float", 2.5, "how often screens read what runs write", low=0.2, high=10, unit="times a second"),
    Option("workers", "int", 0, "queued runs that train side by side; 0: one for each core", low=0, high=1024),
    Option("notifications", "bool", True, "say it when a run ends, diverges or dies, on whatever screen one is"),
    Option("bell", "bool", True, "ring the terminal's bell then, too"),
    Option(
        "copy", "choice", "clipboard", "where copied text goes: the terminal's clipboard (OSC 52), or a file",
        choices=("clipboard", "file"),
    ),
    Option(
        "low_traffic", "choice", "auto", "fewer bytes: charts once a second, no animation; auto does so over SSH",
        choices=("auto", "on", "off"),
    ),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}
SLOWEST_LOW_TRAFFIC = 1.0
"""How often, at most, a screen reads in low traffic, per second."""


class Settings:
    """The settings as they are now. `put` and `keep_layout` change them; `save` writes them, atomically.

    Args:
        path: the file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.problems: list[str] = []
        self.keys: dict[str, str] = {}
        self._values: dict[str, Value] = {option.name: option.default for option in OPTIONS}
        self._layout: dict[str, dict[str, Any]] = {}
        self._changed: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        if path is not None:
            self._read(path)

    # What is set

    @property
    def theme(self) -> str:
        return str(self._values["theme"])

    @property
    def workers(self) -> int | None:
        """How many queued runs train side by side; None leaves it to the launcher."""
        return int(self._values["workers"]) or None

    def low_traffic(self, over_ssh: bool) -> bool:
        """Tell whether bytes are to be saved on this line."""
        chosen = self._values["low_traffic"]
        return over_ssh if chosen == "auto" else chosen == "on"

    def seconds(self, low_traffic: bool) -> float:
        """Seconds between two readings of a screen."""
        times = float(self._values["refresh"])
        return 1 / (min(times, SLOWEST_LOW_TRAFFIC) if low_traffic else times)

    def value(self, name: str) -> Value:
        """Return one option's value."""
        return self._values[name]

    def put(self, name: str, value: Value) -> None:
        """Set one option; raise ValueError, with the reason, for what it can't be."""
        problem = BY_NAME[name].problem(value)
        if problem is not None:
            raise ValueError(problem)
        with self._lock:
            self._values[name] = value
            self._changed.add((name,))

    def forget(self, name: str) -> None:
        """Use an option's default, and leave the file as it is: what stands there is nothing that there is here."""
        self._values[name] = BY_NAME[name].default

    def layout(self, screen: str) -> Mapping[str, Any]:
        """Return what a screen kept of its layout the last time; empty at first. Its author checks what is in it."""
        return dict(self._layout.get(screen, {}))

    def keep_layout(self, screen: str, values: Mapping[str, str | bool | int | float | list[Any]]) -> None:
        """Remember how a screen is laid out."""
        with self._lock:
            self._layout[screen] = dict(values)
            self._changed.add(("layout", screen))

    # The file

    def save(self) -> None:
        """Write what was changed here, leaving the rest of the file as it is there now; raise OSError when that fails.

        Another console may have changed other settings meanwhile, and a person may have written remarks.
        """
        with self._lock:
            if self.path is None or not self._changed:
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Through a link, to where the person keeps the file.
            write_atomically(self.path.resolve(), self._text_now(self.path).encode())
            self._changed.clear()

    def _text_now(self, path: Path) -> str:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            document = tomlkit.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            document = tomlkit.document()
        except (TOMLKitError, ValueError):
            path.replace(path.with_name(f"{path.name}.broken"))
            document = tomlkit.document()
        for place in sorted(self._changed):
            if len(place) == 1:
                document[place[0]] = self._values[place[0]]
                continue
            if not isinstance(document.get("layout"), dict):
                document["layout"] = tomlkit.table(is_super_table=True)
            document["layout"][place[1]] = self._layout[place[1]]
        return tomlkit.dumps(document)

    def _read(self, path: Path) -> None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return
        except OSError as error:
            self._complain(f"can't be read ({error.strerror or error}); the defaults are used")
            return
        except (ValueError, RecursionError) as error:  # wrong TOML, no UTF-8, deep nesting
            self._complain(
                f"is not a TOML file ({one_line(str(error))}); the defaults are used, and it is kept as "
                f"{path.name}.broken when you change a setting here"
            )
            return
        for name, value in raw.items():
            if name == "keys":
                self._read_keys(value)
            elif name == "layout":
                self._read_layout(value)
            elif name not in BY_NAME:
                known = (*BY_NAME, "keys", "layout")
                near = did_you_mean(name, known) or f"; there are {', '.join(known)}"
                self._complain(f'no setting "{one_line(name)}"{near}')
            elif (problem := BY_NAME[name].problem(value)) is not None:
                self._complain(f"{name} {problem}")
            else:
                self._values[name] = value

    def _read_keys(self, raw: object) -> None:
        if not isinstance(raw, dict):
            self._complain("keys must be a section: a key's id = the key to press")
            return
        for id, value in _flat(raw):
            keys = [value] if isinstance(value, str) else value
            if isinstance(keys, list) and keys and all(isinstance(key, str) and key.strip() for key in keys):
                self.keys[id] = ",".join(key.strip() if key.strip() != "," else "comma" for key in keys)
            else:
                self._complain(f"keys: {one_line(id)} must be a key or a list of keys, got {_shown(value)}")

    def _read_layout(self, raw: object) -> None:
        if not isinstance(raw, dict):
            self._complain("layout must be a section")
            return
        self._layout = {screen: values for screen, values in raw.items() if isinstance(values, dict)}

    def _complain(self, text: str) -> None:
        assert self.path is not None
        self.problems.append(f"{self.path.name}: {text}")


def settings_path() -> Path:
    """Return where the settings lie: `seqsum/console.toml` in the user's folder for configurations."""
    import platformdirs

    return platformdirs.user_config_path("seqsum") / "console.toml"


def _flat(section: Mapping[str, object], before: str = "") -> list[tuple[str, object]]:
    """Return id → value; TOML reads `runs.new = "N"` as a section in a section, which is the same id."""
    found: list[tuple[str, object]] = []
    for name, value in section.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, value)]
    return found


def _shown(value: object) -> str:
    text = one_line(f'"{value}"' if isinstance(value, str) else str(value).lower())
    return text if len(text) <= 60 else text[:57] + "…"
