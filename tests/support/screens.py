"""What the screen's tests look at."""

from __future__ import annotations

from typing import Any


def screen_text(app: Any) -> str:
    """Return what the screen in front shows, line by line."""
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text for strip in lines)
