"""The two themes of the program; Textual's own can be chosen in the command palette."""

from textual.theme import Theme

DARK = Theme(
    name="asr-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#ff9e64",
    foreground="#d8dee9",
    background="#11151c",
    surface="#171c25",
    panel="#1f2632",
    success="#7fd88f",
    warning="#e5c07b",
    error="#f7768e",
    dark=True,
)

LIGHT = Theme(
    name="asr-light",
    primary="#2f5fd0",
    secondary="#0b7285",
    accent="#c2410c",
    foreground="#24292f",
    background="#fcfbf8",
    surface="#f4f2ec",
    panel="#e9e6dd",
    success="#2b7a3d",
    warning="#9a6700",
    error="#c0263d",
    dark=False,
)
