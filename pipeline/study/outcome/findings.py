"""What a study says, in sentences: only differences whose interval does not hold 0 are claimed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from components.evaluator.numbers import bytes_text, significant, size_change
from pipeline.study.outcome.convergence import convergence
from pipeline.study.outcome.study import BASELINE, Cell, Run, Study, unique
from pipeline.study.outcome.words import (
    difference_text,
    metric_title,
    minus,
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
    """Returns what the paired intervals of the study allow to say."""
    compared = [cell for cell in study.cells if _difference(study, cell)]
    methods = [cell for cell in compared if cell.method != BASELINE]
    variants = [cell for cell in compared if cell.method == BASELINE]
    sentences = [*_variant_effects(study, variants), *_method_effects(study, methods)]
    sentences += _lengths(study)
    return Findings(_headline(study, methods, variants), tuple(sentences), _caveat(compared))


def is_clear(study: Study, cell: Cell) -> bool:
    """Returns whether the interval of a cell's difference to its baseline does not hold 0."""
    found = _difference(study, cell)
    return found is not None and found.excludes_zero


def _difference(study: Study, cell: Cell):
    return cell.differences.get(METRIC) if study.baseline_of(cell) else None


def _headline(study: Study, methods: Sequence[Cell], variants: Sequence[Cell]) -> str:
    if not study.cells:
        return "No training of this study was done: there is nothing to compare."
    if not methods and not variants:
        return f"{plural(len(study.cells), 'cell')} measured; none to compare with another."
    parts = []
    helping = [cell for cell in methods if is_clear(study, cell) and _gain(cell) > 0]
    if methods:
        best = max(helping, key=_gain, default=None)
        if best:
            parts.append(
                f"{len(helping)} of {plural(len(methods), 'method cell')} clearly "
                f"{'raises' if len(helping) == 1 else 'raise'} {metric_title(METRIC)}, most "
                f"{best.setting} ({_where(study, best)}): {_gain(best):+.4f}"
            )
        else:
            parts.append(
                f"none of {plural(len(methods), 'method cell')} clearly raises "
                f"{metric_title(METRIC)}"
            )
    if variants:
        losing = [cell for cell in variants if is_clear(study, cell) and _gain(cell) < 0]
        parts.append(
            f"{len(losing)} of {plural(len(variants), 'cell')} with another variant clearly "
            f"{'loses' if len(losing) == 1 else 'lose'} {metric_title(METRIC)} to the baseline"
        )
    text = "; ".join(parts)
    return minus(text[0].upper() + text[1:] + ".")


def _gain(cell: Cell) -> float:
    return cell.differences[METRIC].value


def _variant_effects(study: Study, cells: Sequence[Cell]) -> list[str]:
    """Returns a sentence for each variant: where it loses or gains, and how small it is."""
    sentences = []
    for variant in unique(cell.variant for cell in cells):
        own = [cell for cell in cells if cell.variant == variant]
        against = unique(found.variant for cell in own if (found := study.baseline_of(cell)))
        text = f"{variant} against {', '.join(against)}: {_where_it_matters(study, own)}"
        sizes = [_size(study, cell) for cell in own]
        sizes = [size for size in unique(sizes) if size]
        sentences.append(minus(f"{text}{'; ' if sizes else ''}{' / '.join(sizes[:3])}."))
    return sentences


def _size(study: Study, cell: Cell) -> str:
    reference = study.baseline_of(cell)
    change = size_change(cell.embedding_bytes, reference.embedding_bytes if reference else None)
    return f"tables {change[0]} {change[1]}" if change else ""


def _method_effects(study: Study, cells: Sequence[Cell]) -> list[str]:
    """Returns a sentence for each setting with a clear effect somewhere, and one for the rest."""
    settings: dict[str, list[Cell]] = {}
    for cell in cells:
        settings.setdefault(cell.setting, []).append(cell)
    clear = [own for own in settings.values() if any(is_clear(study, cell) for cell in own)]
    clear.sort(key=lambda own: -max(abs(_gain(cell)) for cell in own if is_clear(study, cell)))
    sentences = [
        minus(f"{own[0].setting}: {_where_it_matters(study, own)}{_times(study, own)}.")
        for own in clear[:_MOST_SENTENCES]
    ]
    if len(clear) > _MOST_SENTENCES:
        more = plural(len(clear) - _MOST_SENTENCES, "more setting")
        sentences.append(f"{more} with a clear effect: see the table.")
    silent = [own[0].setting for own in settings.values() if own not in clear]
    if silent:
        sentences.append(f"No clear effect anywhere: {', '.join(silent)}.")
    return sentences


def _where_it_matters(study: Study, cells: Sequence[Cell]) -> str:
    """Returns `gains at 10MB: +0.0031 (+0.0010 to +0.0052); no clear difference at 1MB`."""
    parts, silent = [], []
    for dataset in unique(cell.dataset for cell in cells):
        own = [cell for cell in cells if cell.dataset == dataset]
        clear = [cell for cell in own if is_clear(study, cell)]
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
    if not factors:
        return ""
    return f"; training takes {significant(statistics.median(factors))}x the time"


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


def _model(study: Study, cell: Cell) -> str:
    parts = [cell.architecture, cell.variant]
    return ", ".join(parts + ([cell.device] if len(study.devices) > 1 else []))


def _where(study: Study, cell: Cell) -> str:
    return f"{cell.dataset}, {_model(study, cell)}"


def _caveat(compared: Sequence[Cell]) -> str:
    if not compared:
        return ""
    chance = 0.05 * len(compared)
    number = f"{chance:.0f}" if chance >= 1 else "less than one"
    return (
        "Clear: the 95 % interval of the paired difference does not hold 0. Intervals are of one "
        f"comparison each: of {plural(len(compared), 'comparison')}, {number} would look clear by "
        "chance alone if nothing differed."
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
