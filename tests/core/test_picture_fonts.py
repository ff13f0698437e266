"""Words in PNG pictures: glyphs for every script where a font has them; else the command says which are missing."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, features

from seqsum.cli import main
from seqsum.plotting import drawing, fonts
from seqsum.plotting.drawing import Picture, Words
from seqsum.presets import load_preset
from seqsum.runs import Workspace

SCRIPTS = {
    "latin": "loss of éclair",
    "chinese": "日本語の実験",
    "korean": "한국어 실험",
    "hebrew": "קובץ-7",
    "arabic": "مرحبا",
    "persian": "می\u200cخواهم",
    "emoji": "🚀 rocket",
    "joined": "👩\u200d💻",
    "mixed": "run 日本 مرحبا 7 done 🚀",
}


def picture(text: str) -> Picture:
    return Picture(300, 40, "t", marks=[Words(text, (10, 26), size=15, color="#000000")])


def pixels(text: str) -> tuple[Image.Image, list[str]]:
    content, missing = drawing.png(picture(text))
    return Image.open(io.BytesIO(content)).convert("L"), missing


def here(text: str) -> bool:
    """Whether fontconfig knows a font for each character."""
    for character in text:
        if not character.isspace() and character != "\u200d" and character != "\u200c":
            asked = ["fc-list", f":charset={ord(character):x}"]
            try:
                if not subprocess.run(asked, capture_output=True, check=True).stdout:
                    return False
            except (OSError, subprocess.CalledProcessError):
                return False
    return True


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_what_a_font_has_is_drawn_and_what_none_has_is_told(text: str) -> None:
    drawn, missing = pixels(text)
    assert drawn.getextrema()[0] < 128, "something is drawn"
    if here(text) and features.check("raqm"):
        assert missing == []
    else:
        assert set(missing) <= set(text)


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_no_empty_boxes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fonts a stand-in is drawn, and every character is named."""
    monkeypatch.setattr(fonts, "faces_with", lambda character: iter(()))
    drawn, missing = pixels(text)
    others = {character for character in text if not character.isascii() and character not in "\u200c\u200d"}
    assert set(missing) == others
    box, _ = pixels("\U0010ffff")
    assert not others or ImageChops.difference(drawn, box).getbbox() is not None


def test_where_fontconfig_is_missing_the_folders_are_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    if not here("日本"):
        pytest.skip("no font has it here")
    monkeypatch.setattr(fonts.shutil, "which", lambda name: None)
    assert pixels("日本")[1] == []
    monkeypatch.setattr(fonts, "all_faces", lambda: ())
    assert pixels("日本語")[1] in ([], ["語"], ["日", "本", "語"]), "what was found before is not looked for again"


def test_a_broken_font_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setattr(fonts, "faces_with", lambda character: iter((fonts.Face(str(broken)),)))
    assert pixels("日")[1] == ["日"]


@pytest.mark.skipif(not features.check("raqm") or not here("קשר"), reason="needs shaping and a Hebrew font")
def test_hebrew_is_read_from_the_right() -> None:
    """ש before ו: what stands furthest right looks like the first letter, not like the second."""
    both, first, second = (inked(text) for text in ("שו", "ש", "ו"))
    assert both.shape[1] > first.shape[1] > second.shape[1]
    right = both[:, -first.shape[1] :]
    left = both[:, : first.shape[1]]
    assert (right != first).sum() < (left != first).sum() / 2


def inked(text: str) -> np.ndarray:
    """The columns of a text that hold ink."""
    dark = np.asarray(pixels(text)[0]) < 128
    columns = np.flatnonzero(dark.any(axis=0))
    return dark[:, columns[0] : columns[-1] + 1]


def test_the_command_says_what_is_missing_and_that_svg_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fonts, "faces_with", lambda character: iter(()))
    run = Workspace(tmp_path).create("baseline", load_preset("baseline").config, "日本 مرحبا")
    with run.store() as store:
        store.append([("loss", step, 1.0) for step in range(5)])
    for command in (["export", run.id], ["compare", run.id, "--metric", "loss"]):
        made = tmp_path / f"{command[0]}.png"
        assert main([*command, "--workspace", str(tmp_path), "--output", str(made)]) == 0
        said = capsys.readouterr().err
        assert said.count("日 本 م ر ح ب ا") == 1 and "svg has them" in said and made.exists()
        assert main([*command, "--workspace", str(tmp_path), "--output", str(made.with_suffix(".svg"))]) == 0
        assert capsys.readouterr().err == "" and "日本 مرحبا" in made.with_suffix(".svg").read_text()
