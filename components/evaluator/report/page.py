"""The comparison as one self-contained HTML page."""

from html import escape
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from components.evaluator.comparison import Comparison
from components.evaluator.numbers import percent
from components.evaluator.report import findings
from components.evaluator.report.command import reproduce, reproduce_note
from components.evaluator.report.fragments import key_figures, variant_table, verdicts
from components.evaluator.report.page_data import page_data, script_json
from components.evaluator.report.page_style import page_style
from components.evaluator.report.preflight import preflight_section
from components.evaluator.report.provenance import (
    configs,
    data_facts,
    lineage,
    reading,
)

_ASSETS = Path(__file__).with_name("assets")
_SCRIPTS = ("page.js", "plots.js", "pareto.js", "curves.js", "costs.js", "slices.js")


def render_page(comparison: Comparison) -> str:
    """Returns the page: the choice and why, plots, tables, and where it all came from.

    It loads nothing from outside: styles, scripts, plotly.js and the numbers are inside.
    """
    page = Template(_asset("page.html"))
    return page.substitute(
        title=escape(_title(comparison)),
        reason=escape(comparison.reason),
        facts=escape(" · ".join(findings.facts(comparison))),
        caveats=escape(findings.caveats(comparison)),
        figures=key_figures(comparison),
        pareto_finding=escape(findings.pareto_finding(comparison)),
        pareto_note=escape(findings.pareto_note(comparison)),
        variant_table=variant_table(comparison),
        confidence=escape(percent(comparison.confidence)),
        baseline=escape(comparison.baseline),
        verdicts=verdicts(comparison),
        convergence_finding=escape(findings.convergence_finding(comparison)),
        calibration_finding=escape(findings.calibration_finding(comparison)),
        latency_finding=escape(findings.latency_finding(comparison)),
        tables_finding=escape(findings.tables_finding(comparison)),
        preflight=preflight_section(comparison),
        data_facts=data_facts(comparison),
        configs=configs(comparison),
        lineage=lineage(comparison),
        reproduce_note=reproduce_note(comparison),
        reproduce=reproduce(comparison),
        reading=reading(comparison),
        style=page_style(),
        plotly=get_plotlyjs(),
        scripts="\n".join(_asset(name) for name in _SCRIPTS),
        data=script_json(page_data(comparison)),
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _title(comparison: Comparison) -> str:
    return f"Variant comparison: ship {comparison.chosen or 'nothing'}"
