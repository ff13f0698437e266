"""The console's own colours, dark and light. Series have colours of their own, which stay apart from these."""

from textual.theme import Theme

DARK = Theme(
    name="seqsum",
    primary="#9a94f5",
    secondary="#6b66b8",
    accent="#f2b45f",
    foreground="#dce2ee",
    background="#10131a",
    surface="#171b25",
    panel="#212735",
    success="#6ccf95",
    warning="#f0c560",
    error="#f2757f",
    dark=True,
)
LIGHT = Theme(
    name="seqsum-light",
    primary="#5651c9",
    secondary="#8a86d9",
    accent="#9a5a00",
    foreground="#22242d",
    background="#fbfaf6",
    surface="#f3f1ea",
    panel="#e5e2d8",
    success="#1e7a49",
    warning="#8a6100",
    error="#b22f3d",
    dark=False,
)
