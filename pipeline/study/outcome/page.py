"""The outcome of a study as one self-contained HTML page."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template

from components.evaluator.report.page_style import page_style
from pipeline.study.outcome.all_plots import SECTIONS
from pipeline.study.outcome.findings import findings, status_facts
from pipeline.study.outcome.outcome_tables import Table, outcome_tables
from pipeline.study.outcome.plot import LeftOut, Plot, panel_svg
from pipeline.study.outcome.study import Study
from pipeline.study.outcome.style import Mark, css_names, css_variables
from pipeline.study.outcome.words import plural

_ASSETS = Path(__file__).with_name("assets")
MOST_BYTES = 2_900_000
_MOST_OPEN = 4  # figures of a section; the others unfold

_SHAPES = {
    "o": '<circle cx="15" cy="6" r="3.5"/>',
    "s": '<path d="M11.5 2.5h7v7h-7z"/>',
    "^": '<path d="M15 2l4 7.5h-8z"/>',
    "v": '<path d="M15 10l4-7.5h-8z"/>',
    "D": '<path d="M15 1.5l4.5 4.5-4.5 4.5-4.5-4.5z"/>',
    "P": '<path d="M13.5 2h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5v-3h2.5z"/>',
    "X": '<path d="M12 2l3 2.6 3-2.6 1.5 1.5-2.6 2.5 2.6 2.5-1.5 1.5-3-2.6-3 2.6'
    '-1.5-1.5 2.6-2.5-2.6-2.5z"/>',
    "*": '<path d="M15 0l1.7 4.2 4.3.3-3.3 2.8 1.1 4.3-3.8-2.3-3.8 2.3 1.1-4.3-3.3-2.8 4.3-.3z"/>',
}


def render_page(study: Study, plots: Sequence[Plot | LeftOut], most_bytes: int = MOST_BYTES) -> str:
    """Returns the page: what was found, figures, tables; nothing is loaded from outside.

    Args:
      study: what the tables hold.
      plots: the figures, and which are left out.
      most_bytes: of the page; figures that would make it larger are named instead.
    """
    found = findings(study)
    tables = "\n".join(map(table_html, outcome_tables(study)))
    shell = Template((_ASSETS / "page.html").read_text(encoding="utf-8"))
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in found.sentences)
    parts = {
        "title": escape("Study: what helps at which size"),
        "headline": escape(found.headline),
        "facts": escape(" · ".join(status_facts(study))),
        "sentences": f"<ul>{sentences}</ul>" if sentences else "",
        "caveat": escape(found.caveat),
        "tables": tables,
        "left_out": left_out_html(plots),
        "style": page_style()
        + css_variables()
        + (_ASSETS / "study.css").read_text(encoding="utf-8"),
        "script": (_ASSETS / "study.js").read_text(encoding="utf-8"),
    }
    room = most_bytes - len(shell.safe_substitute(parts, figures="").encode())
    return shell.substitute(parts, figures="\n".join(_sections(plots, room)))


def _sections(plots: Sequence[Plot | LeftOut], room: int) -> Iterator[str]:
    drawn = [plot for plot in plots if isinstance(plot, Plot)]
    for kind, title in SECTIONS.items():
        figures = []
        for plot in (plot for plot in drawn if plot.kind == kind):
            figure = figure_html(plot)
            if len(figure.encode()) > room:
                figure = _named_html(plot)
            room -= len(figure.encode())
            figures.append(figure)
        if figures:
            body = "\n".join(figures[:_MOST_OPEN])
            more = figures[_MOST_OPEN:]
            if more:
                body += (
                    f"\n<details><summary>{plural(len(more), 'more figure')}</summary>\n"
                    + "\n".join(more)
                    + "</details>"
                )
            yield (
                f'<section aria-labelledby="h-{kind}"><h2 id="h-{kind}">{escape(title)}</h2>\n'
                f"{body}\n</section>"
            )


def figure_html(plot: Plot) -> str:
    """Returns a figure: its panels, its legend, what it shows."""
    panels = "".join(
        f'<div class="panel"><h4>{escape(panel.title)}</h4>{panel_svg(plot, number)}</div>'
        for number, panel in enumerate(plot.panels)
    )
    legend = "".join(f"<li>{_key(mark)}{escape(mark.label)}</li>" for mark in plot.legend)
    legend = f'<ul class="legend">{legend}</ul>' if legend else ""
    columns = f"columns-{min(plot.columns, 2)}"
    return (
        f'<figure id="{plot.name}"><h3>{escape(plot.title)}</h3>{legend}'
        f'<div class="panels {columns}">{panels}</div>'
        f"<figcaption>{escape(plot.note)} {_files(plot)}</figcaption></figure>"
    )


def _named_html(plot: Plot) -> str:
    return (
        f'<p class="note">{escape(plot.title)}: not on this page, which would be too large; '
        f"{_files(plot)}</p>"
    )


def _files(plot: Plot) -> str:
    return " ".join(
        f'<a href="figures/{plot.name}.{ending}">{ending.upper()}</a>' for ending in ("png", "svg")
    )


def _key(mark: Mark) -> str:
    color = f"var({css_names()[mark.color]})"
    dash = {"--": ' stroke-dasharray="5 3"', ":": ' stroke-dasharray="1.5 3"'}.get(mark.dash, "")
    line = f'<path d="M1 6h28" fill="none" stroke-width="2"{dash}/>' if mark.dash else ""
    shape = _SHAPES.get(mark.marker, "")
    return (
        f'<svg class="key" viewBox="0 0 30 12" aria-hidden="true" style="color: {color}" '
        f'fill="currentColor" stroke="currentColor" stroke-width="0">{line}{shape}</svg>'
    )


def table_html(table: Table) -> str:
    """Returns a table that scrolls sideways where it is wider than the page."""
    head = "".join(_head(table, i, text) for i, text in enumerate(table.head))
    rows = "\n".join(_row(table, number) for number in range(len(table.rows)))
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    label = f"h-t-{table.name}"
    return (
        f'<section aria-labelledby="{label}"><h2 id="{label}">{escape(table.title)}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(table.title)}">'
        f'<table id="{table.name}"><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>'
        f"</div>{note}</section>"
    )


def _head(table: Table, column: int, text: str) -> str:
    kind = "" if column < table.num_names else ' class="number"'
    return f'<th scope="col"{kind}>{escape(text)}</th>'


def _row(table: Table, number: int) -> str:
    first, *others = table.rows[number]
    cells = "".join(
        f"<td>{_text(text)}</td>"
        if i < table.num_names
        else f'<td class="number">{escape(text)}</td>'
        for i, text in enumerate(others, start=1)
    )
    clear = ' class="clear-row"' if number in table.clear_rows else ""
    return f'<tr{clear}><th scope="row">{escape(first)}</th>{cells}</tr>'


def _text(text: str) -> str:
    return f'<span class="long">{escape(text)}</span>' if len(text) > 40 else escape(text)


def left_out_html(plots: Sequence[Plot | LeftOut]) -> str:
    """Returns the list of figures without data, with the reasons; nothing if there is none."""
    items = "".join(
        f"<li>{escape(plot.title)}: {escape(plot.reason)}.</li>"
        for plot in plots
        if isinstance(plot, LeftOut)
    )
    if not items:
        return ""
    return (
        '<section aria-labelledby="h-left-out"><h2 id="h-left-out">Figures left out</h2>'
        f"<ul>{items}</ul></section>"
    )
