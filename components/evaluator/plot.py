"""The plot of auc_roc against embedding bytes, as inline SVG."""

import io

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from components.evaluator.comparison import Comparison, VariantResult

_INK = "#1f2933"
_MUTED = "#7b8794"
_CHOSEN = "#0b7a53"
_OTHER = "#3e6fb0"
_LIMIT = "#c2410c"
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "comparison",  # the same comparison gives the same bytes
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": _INK,
    "axes.edgecolor": "#cbd2d9",
    "axes.labelcolor": _INK,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
}
# Where a label may go, in points from its variant's marker: near places first.
_PLACES = tuple(
    (round(distance * x), round(distance * y), side)
    for distance in (10, 22, 36, 52, 70)
    for x, y, side in (
        (1, 0, "left"),
        (-1, 0, "right"),
        (0, 1.1, "center"),
        (0, -1.1, "center"),
        (0.8, 0.9, "left"),
        (0.8, -0.9, "left"),
        (-0.8, 0.9, "right"),
        (-0.8, -0.9, "right"),
    )
)
_NEAR_POINTS = 24


def auc_against_bytes_svg(comparison: Comparison) -> str:
    """Returns an `<svg>` element: a point a variant, the allowed loss and the best achievable.

    A diverged variant has no auc_roc and therefore no point.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.2, 4.6), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        shown = [result for result in comparison.variants if not result.diverged]
        _draw_points(axes, comparison, shown)
        _set_axes(axes, comparison, shown)
        lines = _draw_lines(axes, comparison)
        figure.draw_without_rendering()
        _place_labels(axes, shown, lines, canvas.get_renderer())
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _position(result: VariantResult) -> tuple[float, float]:
    """Returns the point in data units; a variant of 0 bytes sits at 1 byte of the log axis."""
    return max(result.embedding_bytes, 1), result.auc_roc


def _draw_points(axes: Axes, comparison: Comparison, shown: list[VariantResult]) -> None:
    for result in shown:
        chosen = result.name == comparison.chosen
        axes.plot(
            *_position(result),
            marker="o",
            markersize=11 if chosen else 8,
            color=_CHOSEN if chosen else _OTHER,
            markeredgecolor="white",
            zorder=3,
        )


def _draw_lines(axes: Axes, comparison: Comparison) -> list[Annotation]:
    """Draws the levels to compare with; their names stand at the left end."""
    baseline = comparison.variant(comparison.baseline).auc_roc
    lowest = baseline - comparison.max_auc_loss
    levels = [(lowest, f"lowest allowed {lowest:.4f}", _LIMIT, "--", -3)]
    if comparison.best_auc_roc is not None:
        best = comparison.best_auc_roc
        levels.append((best, f"best achievable {best:.4f}", _MUTED, ":", 3))
    names = []
    for level, name, color, style, offset in levels:
        axes.axhline(level, color=color, linestyle=style, linewidth=1.2, zorder=1)
        names.append(
            axes.annotate(
                name,
                (0.0, level),
                xycoords=("axes fraction", "data"),
                xytext=(6, offset),
                textcoords="offset points",
                color=color,
                fontsize=9.5,
                va="top" if offset < 0 else "bottom",
            )
        )
    return names


def _set_axes(axes: Axes, comparison: Comparison, shown: list[VariantResult]) -> None:
    axes.set_xscale("log")
    sizes = [_position(result)[0] for result in shown]
    axes.set_xlim(min(sizes) / 2.2, max(sizes) * 2.2)
    levels = [result.auc_roc for result in shown]
    levels.append(comparison.variant(comparison.baseline).auc_roc - comparison.max_auc_loss)
    if comparison.best_auc_roc is not None:
        levels.append(comparison.best_auc_roc)
    margin = 0.14 * max(max(levels) - min(levels), 1e-3)
    axes.set_ylim(min(levels) - margin, max(levels) + margin)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _bytes_text(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("bytes of the embeddings (log scale)")
    # Browsers have other fonts than the one that measured the tick labels.
    axes.set_ylabel("auc_roc on the eval split", labelpad=12)
    axes.grid(color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", length=0)


def _bytes_text(value: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} B"


def _place_labels(
    axes: Axes, shown: list[VariantResult], lines: list[Annotation], renderer: RendererAgg
) -> None:
    """Puts each name at the nearest place that is free and inside the plot."""
    inside = axes.get_window_extent(renderer)
    taken = [line.get_window_extent(renderer) for line in lines]
    pixels = axes.transData.transform([_position(result) for result in shown])
    taken += [Bbox.from_extents(x - 8, y - 8, x + 8, y + 8) for x, y in pixels]
    for result in shown:
        label = axes.annotate(
            result.name,
            _position(result),
            xytext=(0, 0),
            textcoords="offset points",
            va="center",
            zorder=4,
        )
        label.set_in_layout(False)
        for x, y, side in _PLACES:
            label.set_position((x, y))
            label.set_horizontalalignment(side)
            box = label.get_window_extent(renderer)
            corners = inside.count_contains([(box.x0, box.y0), (box.x1, box.y1)])
            if corners == 2 and not box.count_overlaps(taken):
                break
        taken.append(box)
        if max(abs(x), abs(y)) > _NEAR_POINTS:
            _draw_leader(axes, result, (x, y))


def _draw_leader(axes: Axes, result: VariantResult, offset: tuple[int, int]) -> None:
    """Joins a marker and its name where the name is not beside the marker."""
    leader = axes.annotate(
        "",
        _position(result),
        xytext=offset,
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": "#9aa5b1", "linewidth": 0.8},
        zorder=2,
    )
    leader.set_in_layout(False)
