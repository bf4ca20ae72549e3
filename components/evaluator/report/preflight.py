"""The section of the report about TPUs: what the preflight found before the training."""

from collections.abc import Callable, Iterable
from html import escape

from components.evaluator.comparison import Comparison
from components.evaluator.numbers import MISSING
from components.evaluator.preflight_facts import PreflightFacts, TpuStep
from components.quantities import bytes_text, seconds_text

_HEADS = ("compile", "HBM", "largest batch", "lower bound")


def preflight_section(comparison: Comparison) -> str:
    """Returns the section as HTML: a table variants x chips; nothing without a preflight."""
    facts = comparison.preflight
    if facts is None:
        return ""
    parts = ['<section aria-labelledby="h-preflight">', '<h2 id="h-preflight">On TPUs</h2>']
    parts += [f"<p>{escape(line)}</p>" for line in _notes(facts)]
    if facts.steps:
        heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in _columns(facts))
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
            for name, *cells in _rows(facts)
        )
        parts.append(
            '<div class="scroll" tabindex="0" role="region" aria-label="Train steps on TPUs">'
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
    return "\n".join([*parts, "</section>", ""])


def preflight_markdown(comparison: Comparison, escaped: Callable[[str], str]) -> list[str]:
    """Returns the section's paragraphs as Markdown; none without a preflight.

    Args:
      comparison: with or without one.
      escaped: makes text that Markdown shows as it is.
    """
    facts = comparison.preflight
    if facts is None:
        return []
    parts = ["### On TPUs", *map(escaped, _notes(facts))]
    if facts.steps:
        heads = list(_columns(facts))
        lines = [heads, ["---", *("---:" for _ in heads[1:])], *_rows(facts)]
        parts.append("\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines))
    return parts


def _notes(facts: PreflightFacts) -> Iterable[str]:
    if facts.skipped:
        yield f"Not checked: {facts.skipped}."
        return
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    yield (
        "Each variant's train step, compiled by the TPU compiler before the training; nothing was "
        f"run on a TPU ({versions}). HBM is the memory that the step takes of one device, beside "
        "it what a program may have. A + behind the largest batch: no larger one was tried; in "
        "brackets an estimate, from how the memory grows. No step can be faster than the lower "
        "bound; it is no forecast."
    )
    if facts.num_chips > 1:
        whole = "the rows of the tables, too" if facts.spread == "rows" else "each has all tables"
        yield f"The batch is spread over {facts.num_chips} devices; {whole}."


def _columns(facts: PreflightFacts) -> tuple[str, ...]:
    chips = [f"{chip}: {head}" for chip in facts.hbm_bytes for head in _HEADS]
    return ("variant", "rows a step", *chips)


def _rows(facts: PreflightFacts) -> Iterable[list[str]]:
    """A line a variant; the first cell is its name."""
    steps = {(step.variant, step.chip): step for step in facts.steps}
    for name in dict.fromkeys(step.variant for step in facts.steps):
        own = [steps[name, chip] for chip in facts.hbm_bytes]
        cells = [cell for step in own for cell in _cells(step, facts.hbm_bytes[step.chip])]
        yield [name, f"{own[0].batch_size:,}", *cells]


def _cells(step: TpuStep, available: int) -> Iterable[str]:
    yield step.outcome.replace("_", " ")
    size = step.hbm_bytes
    yield MISSING if size is None else f"{bytes_text(size)} of {bytes_text(available)}"
    yield MISSING if step.largest_batch is None else step.largest_batch.text
    bound = step.lower_bound_seconds
    yield MISSING if bound is None else seconds_text(bound)
