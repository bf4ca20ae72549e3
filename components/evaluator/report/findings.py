"""What the comparison found, in sentences: beside the plots, and for those who cannot see them."""

from components.evaluator.comparison import Comparison, ConstraintResult, VariantResult
from components.evaluator.measures import Measure, find_measure
from components.evaluator.numbers import (
    difference_text,
    measured_text,
    percent,
    rows_text,
    value_text,
)
from components.quantities import bytes_text, significant


def objective_measure(comparison: Comparison) -> Measure:
    """Returns what the choice optimizes; an unknown name (of a later version) as it is."""
    found = find_measure(comparison.objective)
    return found or Measure(comparison.objective, comparison.objective, "", "lower")


def cost_measure(comparison: Comparison) -> Measure:
    """Returns the cost that auc_roc is shown against: the objective, or the served embeddings."""
    measure = objective_measure(comparison)
    is_cost = all(measure.name not in result.metrics for result in comparison.variants)
    return measure if is_cost else find_measure("embedding_bytes") or measure


def max_auc_loss(comparison: Comparison) -> float | None:
    """Returns how much auc_roc may be lost; None if the comparison does not say."""
    for result in comparison.variants:
        for constraint in result.constraints:
            if constraint.name == "max_auc_loss":
                return constraint.limit
    return comparison.config.get("max_auc_loss")


def num_seeds(comparison: Comparison) -> int:
    """Returns the smallest number of seeds that a variant was trained with."""
    return min(len(result.seeds) for result in comparison.variants)


def facts(comparison: Comparison) -> tuple[str, ...]:
    """Returns what everything rests on: rows, click rate, resamples, seeds."""
    seeds = num_seeds(comparison)
    found = [
        f"{len(comparison.variants)} variants",
        f"{comparison.data.num_eval_rows:,} eval rows",
        f"click rate {comparison.data.click_rate:.4f}",
        f"{percent(comparison.confidence)} intervals from {comparison.num_resamples:,} resamples",
        f"{seeds} {'seed' if seeds == 1 else 'seeds'} a variant",
    ]
    if comparison.best_auc_roc is not None:
        found.append(f"best achievable auc_roc {comparison.best_auc_roc:.4f}")
    if comparison.best_logloss is not None:
        found.append(f"best achievable logloss {comparison.best_logloss:.4f}")
    return tuple(found)


def is_clear(comparison: Comparison, result: VariantResult, metric: str) -> bool:
    """Whether a variant differs from the baseline in a metric, all variants considered (Holm)."""
    found = result.metrics.get(metric)
    p_value = found.adjusted_p_value if found else None
    return p_value is not None and p_value < 1 - comparison.confidence


def seeds_note(comparison: Comparison) -> str:
    """Returns whether the noise of the seeds is in the intervals."""
    seeds = num_seeds(comparison)
    if seeds == 1:
        return (
            "Each variant was trained once, with one seed. The intervals hold the chance in the "
            "eval rows; the noise of the seed (other starting weights, another order of the rows) "
            "is not in them. Train with several seeds to measure it."
        )
    note = (
        f"Each variant was trained with {seeds} seeds. Values are means over them, and the "
        "intervals hold both the chance in the eval rows and the noise of the seeds."
    )
    chosen = comparison.chosen and comparison.variant(comparison.chosen).metrics.get("auc_roc")
    if chosen and chosen.seed_error is not None:
        note += (
            f" For auc_roc of {comparison.chosen} the rows bring a standard error of "
            f"{chosen.sampling_error:.2g}, the seeds {chosen.seed_error:.2g}."
        )
    return note


def weights_note(comparison: Comparison) -> str:
    """Returns whether the rows count differently; nothing if they count alike."""
    column = comparison.data.weight_column
    if column is None:
        return ""
    return (
        f"Rows are weighted by the log's column {column}: losses and metrics count a row as "
        "often as it says, intervals take it as one row of that weight; numbers of rows and clicks "
        "are not weighted."
    )


def source_note(comparison: Comparison) -> str:
    """Returns that the rows are generated, which is how the best achievable score can be known."""
    if comparison.best_auc_roc is None:
        return ""
    return (
        "The rows are generated, not logged: no model can reach more than auc_roc "
        f"{comparison.best_auc_roc:.4f} on them."
    )


def caveats(comparison: Comparison) -> str:
    """Returns what is in the numbers and what is not: seeds, weights."""
    return " ".join(filter(None, (seeds_note(comparison), weights_note(comparison))))


def constraint_text(constraint: ConstraintResult) -> str:
    """Returns whether a constraint is kept, else by how much it fails and what would decide it."""
    measure = find_measure(constraint.name.partition("_")[2]) or Measure("", "", "", "lower")
    text = f"{constraint.name} {measured_text(measure, constraint.limit)}: "
    if constraint.value is None or constraint.worst is None:
        return f"{text}not measured"
    text += f"measured {measured_text(measure, constraint.value)}"
    if constraint.worst != constraint.value:
        text += f", at worst {measured_text(measure, constraint.worst)}"
    if constraint.is_met:
        return text
    text += f"; fails by {measured_text(measure, abs(constraint.worst - constraint.limit))}"
    if constraint.more_rows is not None:
        text += f"; about {rows_text(constraint.more_rows)} more eval rows would decide it"
    return text


def pareto_finding(comparison: Comparison) -> str:
    """Returns who is on the Pareto front."""
    names = [result.name for result in comparison.variants if result.is_on_front]
    title = objective_measure(comparison).title
    both = "auc_roc" if comparison.objective == "auc_roc" else f"{title} and in auc_roc"
    if not names:
        return f"No variant is on the front: none was measured in {both}."
    chosen = f" {comparison.chosen} is chosen." if comparison.chosen else " None is chosen."
    return f"On the front (no other variant is better in {both}): {', '.join(names)}.{chosen}"


def pareto_note(comparison: Comparison) -> str:
    """Returns why the plot has no line through the front, if it has none."""
    if has_front_line(comparison):
        return ""
    return (
        f"The plot shows auc_roc against {cost_measure(comparison).title}, which is not what the "
        "front is about: its variants are filled, and no line joins them."
    )


def has_front_line(comparison: Comparison) -> bool:
    """Whether the front is one of the cost that the plot shows, and not of a metric."""
    return cost_measure(comparison).name == comparison.objective


def convergence_finding(comparison: Comparison) -> str:
    """Returns where the trainings ended, best first."""
    ends = {r.name: r.eval_curve[-1].logloss for r in comparison.variants if r.eval_curve}
    name = "held-out logloss at the last evaluation while training"
    fields: tuple[str, ...] = ("validation_fraction",)
    if not ends:
        name = "mean training loss of the last tenth of the steps"
        fields = ("loss", "distillation")
        for result in comparison.variants:
            last = result.loss_curve[-max(1, len(result.loss_curve) // 10) :]
            if last:
                ends[result.name] = sum(point.loss for point in last) / len(last)
    if not ends:
        return "No curve was recorded."
    differing = [field for field in fields if _differ_in(comparison, field)]
    if differing:
        return f"The ends of the curves are not compared: variants differ in {differing[0]}."
    best = sorted(ends, key=lambda variant: ends[variant])
    texts = dict.fromkeys(f"{variant} {ends[variant]:.4f}" for variant in (best[0], best[-1]))
    return f"The {name}: {' to '.join(texts)}."


def _differ_in(comparison: Comparison, field: str) -> bool:
    """Whether the variants were trained with different values of a field."""
    first, *others = (result.config.get(field) for result in comparison.variants)
    return any(other != first for other in others)


def calibration_finding(comparison: Comparison) -> str:
    """Returns how far the mean prediction of the chosen and the baseline is off."""
    names = dict.fromkeys(filter(None, (comparison.baseline, comparison.chosen)))
    parts = []
    for name in names:
        found = comparison.variant(name).metrics.get("calibration")
        if found:
            parts.append(f"{name} predicts {value_text(found.estimate)} clicks per click")
    return f"{'; '.join(parts)}." if parts else "Calibration was not measured."


def latency_finding(comparison: Comparison) -> str:
    """Returns the fastest and the slowest model at the smallest batch."""
    sizes = [latency.batch_size for result in comparison.variants for latency in result.latency]
    if not sizes:
        return "Latency was not measured."
    times = {
        result.name: latency.p99_ms
        for result in comparison.variants
        for latency in result.latency
        if latency.batch_size == min(sizes)
    }
    fast, slow = min(times, key=lambda n: times[n]), max(times, key=lambda n: times[n])
    return (
        f"99 of 100 calls with {min(sizes)} row{'s' * (min(sizes) > 1)} take at most "
        f"{significant(times[fast])} ms ({fast}) to {significant(times[slow])} ms ({slow})."
    )


def tables_finding(comparison: Comparison) -> str:
    """Returns the largest table of the baseline and of the chosen."""
    parts = []
    for name in dict.fromkeys(filter(None, (comparison.baseline, comparison.chosen))):
        tables = comparison.variant(name).table_bytes
        if tables:
            largest = max(tables, key=lambda table: tables[table])
            share = tables[largest] / max(1, sum(tables.values()))
            parts.append(
                f"{name} serves {bytes_text(sum(tables.values()))} of tables, the largest, "
                f"{largest}, is {100 * share:.0f} % of it"
            )
    return f"{'. '.join(parts)}." if parts else "The bytes of the tables were not recorded."


def worst_slice(result: VariantResult) -> str | None:
    """Returns the slice in which a variant loses most auc_roc, if it clearly loses any."""
    losses = [
        (part.metrics["auc_roc"].difference, part)
        for part in result.slices
        if "auc_roc" in part.metrics
    ]
    clear = [(change, part) for change, part in losses if change and change.high < 0]
    if not clear:
        return None
    change, part = min(clear, key=lambda pair: pair[0].value)
    return f"{part.key} = {part.value}: auc_roc {difference_text(change)} ({part.num_rows:,} rows)"
