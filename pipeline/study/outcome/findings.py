"""What a study says, in sentences: only differences whose interval does not hold 0 are claimed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from components.evaluator.numbers import bytes_text, significant, size_change
from pipeline.study.outcome.convergence import convergence
from pipeline.study.outcome.study import BASELINE, SIGNIFICANCE, Cell, Run, Study, unique
from pipeline.study.outcome.words import (
    difference_text,
    metric_title,
    minus,
    noise_text,
    plural,
    seconds_text,
)

METRIC = "auc_roc"
_MOST_SENTENCES = 8


@dataclass(frozen=True)
class Findings:
    """The text on top of the page.

    Attributes:
      headline: one sentence.
      sentences: what helps or costs, the largest effects first.
      caveat: what the numbers do not say.
    """

    headline: str
    sentences: tuple[str, ...]
    caveat: str


def findings(study: Study) -> Findings:
    """Returns what the paired differences of the study allow to say."""
    compared = [c for c in study.cells if METRIC in c.differences and study.changes_of(c)]
    methods = [cell for cell in compared if "method" in study.changes_of(cell)]
    variants = [cell for cell in compared if cell not in methods]
    sentences = [*_effects(study, variants), *_effects(study, methods), *_lengths(study)]
    return Findings(_headline(study, methods, variants), tuple(sentences), _caveat(compared))


def _headline(study: Study, methods: Sequence[Cell], variants: Sequence[Cell]) -> str:
    if not study.cells:
        return "No training of this study was done: there is nothing to compare."
    if not methods and not variants:
        return f"{plural(len(study.cells), 'cell')} measured; none to compare with another."
    parts = []
    if methods:
        parts.append(_of_methods(study, methods))
    if variants:
        losing = [cell for cell in variants if study.is_clear(cell) and _gain(cell) < 0]
        parts.append(
            f"{len(losing)} of {plural(len(variants), 'cell')} with another variant or "
            f"architecture clearly {'loses' if len(losing) == 1 else 'lose'} "
            f"{metric_title(METRIC)} to the baseline"
        )
    text = "; ".join(parts)
    return minus(text[0].upper() + text[1:] + ".")


def _of_methods(study: Study, methods: Sequence[Cell]) -> str:
    helping = [cell for cell in methods if study.is_clear(cell) and _gain(cell) > 0]
    count = plural(len(methods), "cell") + " with a method"
    if not helping:
        return f"none of {count} clearly raises {metric_title(METRIC)}"
    best = max(helping, key=_gain)
    where = ", ".join(_parts(study, best))
    label = comparison_label(study, best)
    return (
        f"{len(helping)} of {count} clearly {'raises' if len(helping) == 1 else 'raise'} "
        f"{metric_title(METRIC)}, most {label} ({where}): {_gain(best):+.4f}"
    )


def _gain(cell: Cell) -> float:
    return cell.differences[METRIC].value


def _parts(study: Study, cell: Cell) -> tuple[str, ...]:
    device = (cell.device,) if len(study.devices) > 1 else ()
    return (cell.dataset, cell.architecture, cell.variant, *device)


def comparison_label(study: Study, cell: Cell) -> str:
    """Returns what is compared: `batch_size 512`, or `hashing of dcnv2 against full of dlrm`.

    Only what differs from the baseline is named.
    """
    changes, baseline = study.changes_of(cell), study.baseline_of(cell)
    if baseline is None or study.shows_method(cell):
        return cell.setting
    sides = []
    for side in (cell, baseline):
        of = [getattr(side, name) for name in ("architecture", "device") if name in changes]
        text = side.variant + (f" of {', '.join(of)}" if of else "")
        with_method = "method" in changes and side.method != BASELINE
        sides.append(f"{side.setting} with {text}" if with_method else text)
    return " against ".join(sides)


def _effects(study: Study, cells: Sequence[Cell]) -> list[str]:
    """Returns a sentence for each comparison that is clear somewhere, and one for the rest."""
    labels: dict[str, list[Cell]] = {}
    for cell in cells:
        labels.setdefault(comparison_label(study, cell), []).append(cell)
    clear = {
        label: own for label, own in labels.items() if any(study.is_clear(cell) for cell in own)
    }
    order = sorted(clear, key=lambda label: -_largest(study, clear[label]))
    sentences = [_effect(study, label, clear[label]) for label in order[:_MOST_SENTENCES]]
    if len(order) > _MOST_SENTENCES:
        more = plural(len(order) - _MOST_SENTENCES, "more comparison")
        sentences.append(f"{more} with a clear difference: see the table.")
    silent = [label for label in labels if label not in clear]
    if silent:
        sentences.append(f"No clear difference at any size: {'; '.join(silent)}.")
    return sentences


def _largest(study: Study, cells: Sequence[Cell]) -> float:
    return max(abs(_gain(cell)) for cell in cells if study.is_clear(cell))


def _effect(study: Study, label: str, cells: Sequence[Cell]) -> str:
    sizes = [size for size in unique(_size(study, cell) for cell in cells) if size]
    costs = [" / ".join(sizes[:3])] if sizes else []
    costs += [text for text in (_times(study, cells),) if text]
    return minus(f"{label}: {'; '.join([_where(study, cells), *costs])}.")


def _size(study: Study, cell: Cell) -> str:
    reference = study.baseline_of(cell)
    change = size_change(cell.embedding_bytes, reference.embedding_bytes if reference else None)
    return f"tables {change[0]} {change[1]}" if change else ""


def _where(study: Study, cells: Sequence[Cell]) -> str:
    """Returns `gains at 10MB: +0.0031 (+0.0010 to +0.0052); no clear difference at 1MB`."""
    parts, silent = [], []
    for dataset in unique(cell.dataset for cell in cells):
        own = [cell for cell in cells if cell.dataset == dataset]
        clear = [cell for cell in own if study.is_clear(cell)]
        for word, sign in (("gains", 1), ("loses", -1)):
            agreeing = [cell for cell in clear if sign * _gain(cell) > 0]
            if agreeing:
                parts.append(f"{word} at {dataset} {_amount(agreeing, len(own))}")
        if not clear:
            silent.append(dataset)
    if silent:
        parts.append(f"no clear difference at {', '.join(silent)}")
    return "; ".join(parts)


def _amount(clear: Sequence[Cell], count: int) -> str:
    """Returns the difference with its interval, or of several cells the range of differences."""
    if count == 1:
        return difference_text(clear[0].differences[METRIC])
    gains = sorted((_gain(cell) for cell in clear), key=abs)
    amount = f"{gains[0]:+.4f}" if len(gains) == 1 else f"{gains[0]:+.4f} to {gains[-1]:+.4f}"
    return f"{amount} ({len(clear)} of {count} cells)"


def _times(study: Study, cells: Sequence[Cell]) -> str:
    """Returns how many times longer the trainings take than without the method."""
    factors = []
    for cell in cells:
        reference = study.baseline_of(cell)
        if reference and cell.train_seconds and reference.train_seconds:
            factors.append(cell.train_seconds / reference.train_seconds)
    factor = statistics.median(factors) if factors else 1.0
    is_same = 0.95 < factor < 1.05
    return "" if is_same else f"training takes {significant(factor)}x the time"


def _lengths(study: Study) -> list[str]:
    """Returns one sentence about trainings that were too long or too short."""
    verdicts = [convergence(run).verdict for run in study.runs if run.is_done]
    long, short = verdicts.count("overfitted"), verdicts.count("underfitted")
    if not long and not short:
        return []
    return [
        f"Of {plural(len(verdicts), 'training')}, {long} overfitted at the end and {short} "
        f"{'was' if short == 1 else 'were'} still improving: see the table of convergence."
    ]


def _caveat(compared: Sequence[Cell]) -> str:
    if not compared:
        return ""
    return (
        f"Clear: the 95 % interval of the paired difference does not hold 0, and its p-value is "
        f"below {SIGNIFICANCE:g}, adjusted for the comparisons of its dataset (Holm). "
        f"{plural(len(compared), 'comparison')} in all. Intervals are over {noise_text(compared)}. "
        "Training times are of this machine."
    )


def status_facts(study: Study) -> list[str]:
    """Returns what was run: trainings by status, datasets, seeds, devices, time."""
    done = [run for run in study.runs if run.is_done]
    others = {s: sum(r.status == s for r in study.runs) for s in ("failed", "skipped")}
    facts = [plural(len(study.cells), "cell"), f"{plural(len(done), 'training')} done"]
    facts += [f"{number} {status}" for status, number in others.items() if number]
    if done:
        facts.append("datasets " + ", ".join(unique(run.dataset for run in done)))
        facts.append(plural(len({run.seed for run in done}), "seed"))
        facts.append("device " + ", ".join(unique(run.device for run in done)))
        seconds = sum(run.train_seconds or 0.0 for run in done)
        facts.append(f"{seconds_text(seconds)} of training")
    sizes = [cell.embedding_bytes for cell in study.cells if cell.embedding_bytes]
    if sizes:
        facts.append(f"embeddings {bytes_text(min(sizes))} to {bytes_text(max(sizes))}")
    return facts


def failures(study: Study) -> list[tuple[Run, str]]:
    """Returns the trainings that were not done, and why."""
    return [(r, r.error or "no reason is known") for r in study.runs if not r.is_done]
