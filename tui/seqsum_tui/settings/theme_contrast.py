"""Themes whose words can be read: their colours, moved towards white or black as far as it takes.

Some themes are pale by design, and we write on them in shades of their foreground. Contrast is that of WCAG 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.color import Color
from textual.theme import Theme

WORDS = 7.5
"""Least contrast of the foreground, on any ground."""
QUIET = 4.6
"""Least contrast of our quiet words, the foreground seen through: on any ground, and under the cursor of a table."""
MARKS = 3.0
"""Least contrast of a colour that stands for something, and of the ground as writing on it."""
KEYS = 4.5
"""Least contrast of the keys and their words in the last line."""
STEPS = 20
HEAD = 0.25
"""How much of the primary colour there is in the ground of the lines at the top of a screen."""
GROUNDS = ("background", "surface", "panel")


def legible(theme: Theme) -> Theme:
    """Return the theme, or one like it whose words can be read. A terminal's own colours are the terminal's affair."""
    if theme.ansi:
        return theme
    system = theme.to_color_system().generate()
    colours = {name: Color.parse(system[name]) for name in (*GROUNDS, "foreground", "primary", "secondary", "accent")}
    grounds = [colours[name] for name in GROUNDS]

    def moved(name: str, on: Sequence[Color], least: float) -> str:
        return towards_legible(colours[name], on, least, theme.dark).hex

    changed = replace(
        theme,
        foreground=moved("foreground", grounds, WORDS),
        primary=moved("primary", grounds[:1], MARKS),
        accent=moved("accent", grounds[:1], MARKS),
        # What would follow from the primary stays as it was.
        secondary=colours["secondary"].hex,
        background=colours["background"].hex,
        surface=colours["surface"].hex,
        panel=colours["panel"].hex,
    )
    inks = {**changed.to_color_system().generate(), **theme.variables}
    footer = Color.parse(inks["footer-background"])
    keys = {
        name: towards_legible(Color.parse(inks[name]), [footer], KEYS, footer.brightness < 0.5).hex
        for name in ("footer-key-foreground", "footer-description-foreground")
    }
    page, ink = (Color.parse(inks[name]) for name in ("background", "foreground"))
    head = page.blend(Color.parse(inks["primary"]), HEAD, alpha=1.0)
    grounds = [*(Color.parse(inks[name]) for name in GROUNDS), Color.parse(inks["primary-muted"]), head]
    seen = (step / STEPS for step in range(STEPS * 6 // 10, STEPS))
    muted = next((a for a in seen if min(contrast(on.blend(ink, a, alpha=1.0), on) for on in grounds) >= QUIET), 1.0)
    others = {
        "foreground-muted": ink.with_alpha(muted).hex,
        # The cursor of a list is that of a table.
        "block-cursor-background": inks["primary-muted"],
        "block-cursor-foreground": inks["foreground"],
        "block-cursor-text-style": "bold",
    }
    return replace(changed, variables={**theme.variables, **keys, **others})


def towards_legible(ink: Color, grounds: Sequence[Color], least: float, lighter: bool) -> Color:
    """Return the ink, moved until its contrast with every ground is at least `least`: to lighter or darker shades.

    Where that side has none, the other one is tried; where neither has, the end with more contrast is returned.
    """
    white, black = Color(255, 255, 255), Color(0, 0, 0)

    def worst(found: Color) -> float:
        return min(contrast(found, ground) for ground in grounds)

    for end in (white, black) if lighter else (black, white):
        for step in range(STEPS + 1):
            found = ink.blend(end, step / STEPS, alpha=1.0)
            if worst(found) >= least:
                return found
    return max(white, black, key=worst)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG 2, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
