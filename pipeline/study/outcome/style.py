"""Colors, markers and fonts of the figures; the same variant looks the same everywhere."""

from collections.abc import Sequence
from typing import NamedTuple

INK, MUTED, LINE, PAGE = "#1b2430", "#55616d", "#dde2e8", "#ffffff"

# (on white, on a dark page): told apart with any color blindness, with the markers' help.
_HUES = (
    ("#0072b2", "#5ab1ef"),
    ("#c44e00", "#ff8f4d"),
    ("#00805e", "#35c79a"),
    ("#a8458a", "#e58fcb"),
    ("#8a6a00", "#d9b13b"),
    ("#5d4ba0", "#a99af0"),
    ("#7a3b2e", "#d19a8b"),
    ("#2a7f93", "#7fd6f0"),
)
# From small values to large ones.
_STEPS = (
    ("#482677", "#b79be8"),
    ("#3a5f9e", "#8fb3f0"),
    ("#20808d", "#5cc5d1"),
    ("#2c8a4f", "#6fd391"),
    ("#747f00", "#c0d04a"),
    ("#b06a00", "#f0b94a"),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

RC = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.max_open_warning": 0,
}


class Mark(NamedTuple):
    """How a series is drawn, and its name in the legend."""

    label: str
    color: str
    marker: str = ""
    dash: str = "-"


def variant_marks(variants: Sequence[str]) -> dict[str, Mark]:
    """Returns variant -> its mark, for all variants of a study."""
    return {
        name: Mark(name, _HUES[i % len(_HUES)][0], _MARKERS[i % len(_MARKERS)])
        for i, name in enumerate(variants)
    }


def value_marks(labels: Sequence[str]) -> dict[str, Mark]:
    """Returns label -> mark, for the values of one hyperparameter in their order."""
    last = max(len(labels) - 1, 1)
    top = len(_STEPS) - 1
    return {
        label: Mark(label, _STEPS[round(i * top / last)][0], _MARKERS[i % len(_MARKERS)])
        for i, label in enumerate(labels)
    }


def css_names() -> dict[str, str]:
    """Returns color -> the name of the page's CSS variable that stands for it."""
    known = {INK: "--ink", MUTED: "--muted", LINE: "--line", PAGE: "--page"}
    hues = {light: f"--hue-{i}" for i, (light, _) in enumerate(_HUES)}
    steps = {light: f"--step-{i}" for i, (light, _) in enumerate(_STEPS)}
    return {**known, **hues, **steps}


def css_variables() -> str:
    """Returns the CSS rule that gives the figures' colors for light and dark pages."""
    names = css_names()
    lines = [f"  {names[light]}: light-dark({light}, {dark});" for light, dark in (*_HUES, *_STEPS)]
    return ":root {\n" + "\n".join(lines) + "\n}"
