"""Plots of what a tuner found, as PNG."""

import io
import math

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from components.trainer.tuning.results import BatchSizes, RateRange, RateRanges, Search

_INK, _MUTED, _GRID = "#1f2933", "#7b8794", "#e4e7eb"
_LINE, _SUGGESTED, _LIMIT = "#3e6fb0", "#0b7a53", "#c2410c"
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": _INK,
    "axes.edgecolor": "#cbd2d9",
    "axes.labelcolor": _INK,
    "axes.titlesize": 10.5,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 8.5,
}


def rate_ranges_png(result: RateRanges) -> bytes:
    """Plots loss and gain of each part against its learning rate, the suggestion marked."""
    with matplotlib.rc_context(_STYLE):
        figure, rows = _figure(2, len(result.ranges), height=7.4)
        for column, each in enumerate(result.ranges):
            _draw_losses(rows[0][column], each)
            _draw_gain(rows[1][column], each)
        return _png(figure)


def batch_sizes_png(result: BatchSizes) -> bytes:
    """Plots examples a second, peak memory and logloss against the batch size."""
    trained = [size for size in result.sizes if not size.out_of_memory]
    sizes = [size.batch_size for size in trained]
    panels = (
        ("thousand examples/s", [_scaled(s.train_examples_per_second, 1e3) for s in trained]),
        ("peak memory, GB", [_scaled(size.peak_memory_bytes, 1e9) for size in trained]),
        ("held-out logloss", [_scaled(size.logloss, 1.0) for size in trained]),
    )
    with matplotlib.rc_context(_STYLE):
        figure, [row] = _figure(1, len(panels), height=3.6)
        for axes, (title, values) in zip(row, panels, strict=True):
            axes.plot(sizes, values, marker="o", color=_LINE, zorder=3)
            at = sizes.index(result.suggested)
            label = f"suggested: {result.suggested:,}"
            axes.plot(sizes[at], values[at], "o", markersize=11, color=_SUGGESTED, label=label)
            for size in result.sizes[len(trained) :]:
                label = f"{size.batch_size:,}: out of memory"
                axes.axvline(size.batch_size, color=_LIMIT, linestyle="--", label=label)
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.tick_params(axis="x", rotation=45)
            axes.set_xlabel("batch size")
            axes.set_title(title)
        highest = min(filter(math.isfinite, panels[2][1])) + result.max_logloss_increase
        row[2].axhline(highest, color=_LIMIT, linestyle=":", label="highest allowed")
        for axes in row[:2]:
            axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
        for axes in (row[0], row[2]):
            axes.legend()
        return _png(figure)


def search_png(result: Search) -> bytes:
    """Plots the logloss of each trial in their order, and the lowest so far."""
    loglosses = [_scaled(trial.logloss, 1.0) for trial in result.trials]
    lowest, so_far = math.inf, []
    for logloss in loglosses:
        lowest = min(lowest, logloss) if math.isfinite(logloss) else lowest
        so_far.append(lowest if math.isfinite(lowest) else math.nan)
    numbers = range(1, len(loglosses) + 1)
    with matplotlib.rc_context(_STYLE):
        figure, [[axes]] = _figure(1, 1, height=3.6)
        axes.plot(numbers, loglosses, "o", color=_LINE, label="trial")
        axes.step(numbers, so_far, where="post", color=_SUGGESTED, label="lowest so far")
        for number, logloss in zip(numbers, loglosses, strict=True):
            if not math.isfinite(logloss):
                axes.axvline(number, color=_LIMIT, linestyle=":")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(f"trial of the {result.algorithm} search; dotted: failed")
        axes.set_ylabel("held-out logloss")
        axes.legend()
        return _png(figure)


def _figure(num_rows: int, num_columns: int, height: float) -> tuple[Figure, list[list[Axes]]]:
    figure = Figure(figsize=(9.2, height), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(num_rows, num_columns, squeeze=False).tolist()
    for axes in (axes for row in rows for axes in row):
        axes.grid(color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(which="both", length=0)
    return figure, rows


def _draw_losses(axes: Axes, result: RateRange) -> None:
    losses = [_scaled(loss, 1.0) for loss in result.loss]
    axes.plot(result.rates, losses, color=_LINE, linewidth=1.3, label="this part learns too")
    axes.plot(result.rates, result.loss_at_rest, color=_MUTED, linewidth=1.3, label="it rests")
    axes.axhline(result.constant_loss, color=_LIMIT, linestyle=":", label="one prediction for all")
    lowest = min([*filter(math.isfinite, losses), *result.loss_at_rest])
    margin = 0.08 * (result.constant_loss - lowest)
    axes.set_ylim(lowest - margin, max(result.constant_loss, lowest) + 3 * margin)
    axes.set_ylabel("loss on held-out rows")
    axes.set_title(result.field)
    _finish_rates(axes, result)


def _draw_gain(axes: Axes, result: RateRange) -> None:
    axes.plot(result.rates, result.gain, color=_LINE, linewidth=1.3, label="gain, smoothed")
    axes.axhline(0.0, color=_MUTED, linewidth=0.8)
    highest = max(*result.gain, 1e-6)
    axes.set_ylim(-0.4 * highest, 1.15 * highest)
    axes.set_ylabel("how much lower the loss is")
    axes.set_xlabel("learning rate")
    _finish_rates(axes, result)


def _finish_rates(axes: Axes, result: RateRange) -> None:
    """Marks the rates that mean something."""
    marks = [
        ("configured", result.configured, _MUTED, "--"),
        ("steepest", result.steepest, _LINE, ":"),
        ("largest gain", result.best, _SUGGESTED, ":"),
        ("last before divergence", result.last_stable, _LIMIT, "--"),
    ]
    if result.suggested is not None:
        marks.append(("suggested", result.suggested, _SUGGESTED, "-"))
    for label, rate, color, style in marks:
        text = f"{label}: {rate:.2g}" if axes.get_xlabel() else None
        axes.axvline(rate, color=color, linestyle=style, linewidth=1.3, label=text)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _scaled(value: float | None, unit: float) -> float:
    return math.nan if value is None else value / unit


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
