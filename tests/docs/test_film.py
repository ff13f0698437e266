"""The README's moving picture shows each frame in its time, and its last one where nothing moves."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from tests.screenshots.film import SVG, Film

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "first_run.svg"
MOST_BYTES = 1_500_000


def frame(*lines: str) -> str:
    """A frame as the console exports it."""
    console = Console(width=20, record=True, file=io.StringIO())
    for line in lines:
        console.print(line)
    return console.export_svg()


def visible(film: str, second: float) -> str:
    """The words that a browser shows at a second, from the style sheet's own times."""
    root = ElementTree.fromstring(film)
    sheet = root.findtext(f"{SVG}style") or ""
    words = []
    for group in root.iter(f"{SVG}g"):
        for part in group:
            if part.tag == f"{SVG}text":
                name = group.get("class")
                if name is None or opacity(sheet, name, second):
                    words.append("".join(part.itertext()))
    return " ".join(" ".join(words).replace("\N{NO-BREAK SPACE}", " ").split())


def opacity(sheet: str, name: str, second: float) -> bool:
    (seconds,) = re.findall(rf"animation:{name} ([\d.]+)s step-end infinite", sheet)
    (keys,) = re.findall(rf"@keyframes {name}\{{((?:[\d.]+%\{{opacity:[01]\}})+)\}}", sheet)
    turns = re.findall(r"([\d.]+)%\{opacity:([01])\}", keys)
    return [turn for at, turn in turns if float(at) <= 100 * second / float(seconds)][-1] == "1"


@pytest.fixture(scope="module")
def film() -> str:
    film = Film((20, 3))
    for seconds, lines in (
        (2.0, ("title", "one")),
        (1.0, ("title", "two")),
        (1.0, ("title", "two")),
        (4.0, ("title", "[bold]one[/]")),
    ):
        film.add(frame(*lines), seconds)
    return film.svg("counts < 3 & more")


@pytest.mark.parametrize(
    ("second", "words"),
    [(0.0, "title one"), (1.9, "title one"), (2.1, "title two"), (3.9, "title two"), (7.9, "title one")],
)
def test_each_frame_has_its_time(film: str, second: float, words: str) -> None:
    assert visible(film, second) == words


def test_the_last_frame_stands_where_nothing_moves(film: str) -> None:
    sheet = ElementTree.fromstring(film).findtext(f"{SVG}style") or ""
    still = re.findall(r"^\.(k\d+)\{opacity:1;", sheet, re.MULTILINE)
    assert [opacity(sheet, name, 7.9) for name in still] == [True]


def test_a_line_that_does_not_change_is_kept_once(film: str) -> None:
    assert film.count(">title<") == 1


def test_the_picture_is_small_and_ends_with_the_right_answer() -> None:
    assert PICTURE.stat().st_size < MOST_BYTES
    picture = PICTURE.read_text(encoding="utf-8")
    assert "No runs yet" in visible(picture, 0.0)
    assert "✓ right" in visible(picture, 1000.0)
