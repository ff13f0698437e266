"""A moving picture: screens one after another in one SVG, where each line of the terminal is kept once for all frames.

It needs no browser to be made: a stylesheet shows each line while its frames last. Where nothing moves (a viewer
without animation, or a person who wants none) the last frame stands.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate
from xml.etree import ElementTree

LINE_HEIGHT = 24.4
MARGIN = 8
FONTS = "'Fira Code',Menlo,Consolas,'DejaVu Sans Mono',monospace"
SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Film:
    """Frames, each as Textual exports it, and how many seconds it is to be seen."""

    size: tuple[int, int]
    frames: list[dict[int, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    styles: dict[str, str] = field(default_factory=dict)

    def add(self, picture: str, seconds: float) -> None:
        """Add a frame; one that is like the last makes that one longer."""
        lines = self._lines(picture)
        if self.frames and lines == self.frames[-1]:
            self.seconds[-1] += seconds
        else:
            self.frames.append(lines)
            self.seconds.append(seconds)

    def _lines(self, picture: str) -> dict[int, str]:
        """Each line's backgrounds and words, with classes that mean the same in all frames."""
        root = ElementTree.fromstring(picture)
        sheet = root.findtext(f"{SVG}style") or ""
        looks = dict(
            rule.strip().removeprefix(".").split(" {", 1) for rule in sheet.split("}") if "-r" in rule.split("{")[0]
        )
        lines: dict[int, list[str]] = defaultdict(list)
        screen = root.findall(f"{SVG}g")[-1]
        for part in screen.iter():
            y = float(part.get("y", 0))
            if part.tag == f"{SVG}rect":
                box = " ".join(f'{name}="{part.get(name)}"' for name in ("x", "y", "width", "height", "fill"))
                lines[round((y - 1.5) / LINE_HEIGHT)].append(f"<rect {box}/>")
            elif part.tag == f"{SVG}text" and (part.text or "").strip("\N{NO-BREAK SPACE}\n "):
                look = looks[part.get("class", "")].strip()
                name = self.styles.setdefault(look, f"s{len(self.styles)}")
                place = " ".join(f'{key}="{part.get(key)}"' for key in ("x", "y", "textLength"))
                lines[int(y / LINE_HEIGHT)].append(f'<text class="{name}" {place}>{escape(part.text or "")}</text>')
        return {at: "".join(parts) for at, parts in lines.items()}

    def svg(self, label: str) -> str:
        """Return the film; `label` says in words what it shows."""
        width, height = (
            round(cells * each + 2 * MARGIN) for cells, each in zip(self.size, (12.2, LINE_HEIGHT), strict=True)
        )
        whole = sum(self.seconds)
        starts = [0.0, *accumulate(self.seconds)]
        shown: dict[tuple[int, str], list[bool]] = {}
        for at, frame in enumerate(self.frames):
            for line in frame.items():
                shown.setdefault(line, [False] * len(self.frames))[at] = True
        times: dict[tuple[bool, ...], str] = {}
        body = []
        for (_, content), when in sorted(shown.items(), key=lambda item: item[0][0]):
            if all(when):
                body.append(content)
                continue
            name = times.setdefault(tuple(when), f"k{len(times)}")
            body.append(f'<g class="{name}">{content}</g>')
        rules = [f".{name}{{{look}}}" for look, name in self.styles.items()]
        for when, name in times.items():
            turns = [at for at in range(len(when)) if at == 0 or when[at] != when[at - 1]]
            keys = "".join(f"{100 * starts[at] / whole:.2f}%{{opacity:{int(when[at])}}}" for at in turns)
            rules.append(f"@keyframes {name}{{{keys}}}")
            rules.append(f".{name}{{opacity:{int(when[-1])};animation:{name} {whole:.1f}s step-end infinite}}")
        rules.append("@media(prefers-reduced-motion:reduce){g{animation:none!important}}")
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
                f"<title>{escape(label)}</title>",
                "<style>",
                f"text{{font:20px {FONTS};white-space:pre}}",
                *rules,
                "</style>",
                f'<rect width="{width}" height="{height}" rx="8" fill="#121212"/>',
                f'<g transform="translate({MARGIN},{MARGIN})">',
                *body,
                "</g>",
                "</svg>",
                "",
            )
        )
