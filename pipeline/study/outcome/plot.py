"""A figure as a list of panels: together in a file, one by one on the page."""

import io
import re
import zlib
from collections.abc import Callable
from html import escape
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from pipeline.study.outcome.style import INK, LINE, RC, Mark, css_names
from pipeline.study.outcome.words import short_count

_WIDTH = 3.6  # inches; two panels are as wide as a page of print
_DPI = 150
_LONG = re.compile(r"-?\d+\.\d{3,}")


class Panel(NamedTuple):
    """One pair of axes.

    Attributes:
      title: above it.
      draw: puts the data into the axes, and the names onto them.
      height: inches.
    """

    title: str
    draw: Callable[[Axes], None]
    height: float = 2.6


class Plot(NamedTuple):
    """A figure.

    Attributes:
      kind: the section of the page that it belongs to.
      name: of its files, without an ending.
      title: for people.
      note: what is drawn, of how many rows, seeds, on which device.
      panels: row by row.
      columns: panels in a row.
      legend: what the marks mean; empty where the axes say it.
    """

    kind: str
    name: str
    title: str
    note: str
    panels: tuple[Panel, ...]
    columns: int
    legend: tuple[Mark, ...] = ()


class LeftOut(NamedTuple):
    """A figure that the tables have no data for."""

    kind: str
    title: str
    reason: str


def file_name(*parts: str) -> str:
    """Returns a file's name without an ending, of letters, digits, points, dashes and `_`."""
    return "_".join(re.sub(r"[^\w.-]+", "-", part) for part in parts if part)


def plain_ticks(axis: Axis, text_of: Callable[[float], str] = short_count) -> None:
    """Writes the ticks of a logarithmic axis as numbers, a few at least."""
    axis.set_major_locator(LogLocator(subs=(1.0,)))
    low, high = sorted(axis.get_view_interval())
    if low > 0 and high / low < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high / low > 10 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text_of(value)))
    axis.set_minor_locator(NullLocator())


def files_of(plot: Plot) -> dict[str, bytes]:
    """Returns the figure as a PNG and an SVG file: name -> content."""
    with matplotlib.rc_context({**RC, "svg.fonttype": "path", "svg.hashsalt": plot.name}):
        figure = _laid_out(_composed(plot))
        return {
            f"{plot.name}.png": _png(figure),
            f"{plot.name}.svg": _svg(figure).encode(),
        }


def panel_svg(plot: Plot, number: int) -> str:
    """Returns one panel as an SVG element for the page, whose colors follow the page's theme."""
    panel = plot.panels[number]
    with matplotlib.rc_context({**RC, "svg.fonttype": "none", "svg.hashsalt": plot.name}):
        figure = _figure((_WIDTH, panel.height))
        _draw(figure.subplots(), panel, with_title=False)
        text = _svg(_laid_out(figure))
    prefix = f"p{zlib.crc32(plot.name.encode()):x}-{number}"
    return _for_page(text, prefix, f"{plot.title}: {panel.title}")


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _figure(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.patch.set_alpha(0.0)
    return figure


def _laid_out(figure: Figure) -> Figure:
    """Places the axes once; else each saved file would do it again, which takes longest."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")
    return figure


def _composed(plot: Plot) -> Figure:
    rows = [plot.panels[i : i + plot.columns] for i in range(0, len(plot.panels), plot.columns)]
    heights = [max(panel.height for panel in row) for row in rows]
    extra = 0.25 * -(-len(plot.legend) // 3) + 0.45
    figure = _figure((_WIDTH * plot.columns, sum(heights) + extra))
    figure.patch.set(alpha=1.0, facecolor="#ffffff")
    grid = figure.subplots(len(rows), plot.columns, squeeze=False, height_ratios=heights)
    for axes, panel in zip(grid.flat, plot.panels, strict=False):
        _draw(axes, panel, with_title=True)
    for axes in grid.flat[len(plot.panels) :]:
        axes.set_visible(False)
    figure.suptitle(plot.title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    if plot.legend:
        handles = [legend_line(mark) for mark in plot.legend]
        columns = min(len(handles), 2 * plot.columns)
        figure.legend(handles=handles, loc="outside lower left", ncols=columns)
    return figure


def legend_line(mark: Mark) -> Line2D:
    """Returns what stands for a series in a legend."""
    return Line2D(
        [],
        [],
        color=mark.color,
        marker=mark.marker or None,
        ls=mark.dash or "none",
        label=mark.label,
    )


def _draw(axes: Axes, panel: Panel, with_title: bool) -> None:
    axes.grid(color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", length=0)
    panel.draw(axes)
    if with_title:
        axes.set_title(panel.title, color=INK)


def _png(figure: Figure) -> bytes:
    # Not `savefig`: it draws twice, in case there is a layout to be found.
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> str:
    """Sets the figure's resolution to 72 a inch, so it comes last."""
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _for_page(svg: str, prefix: str, label: str) -> str:
    """Returns the element with ids of its own, colors by CSS, and two decimals."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[a-z0-9_.]+"(/?>)', r"<g\1", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)  # the page's
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", svg)
    for color, name in css_names().items():
        svg = svg.replace(f": {color}", f": var({name})")
    svg = re.sub(r"<[^>]*>", lambda tag: _LONG.sub(_short, tag[0]), svg)  # not what is written
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    box = re.search(r'viewBox="([^"]+)"', svg)
    opening = f'<svg viewBox="{box[1] if box else ""}" role="img" aria-label="{escape(label)}">'
    return re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1).strip()
