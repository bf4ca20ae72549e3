"""The cells of the comparison, as text: the terminal's table and the page show the same ones."""

from components.evaluator.comparison import Comparison, VariantResult

# The two lines of each column's head; sizes are in MB of 10**6 bytes.
COLUMNS = (
    ("variant", ""),
    ("auc_roc", ""),
    ("against", "baseline"),
    ("logloss", ""),
    ("normalized", "entropy"),
    ("calibration", ""),
    ("parameters", ""),
    ("embeddings", "MB"),
    ("smaller", "by"),
    ("SavedModel", "MB"),
    ("training", "s"),
    ("examples", "per s"),
)

_MEGABYTE = 1e6
_DIVERGED = ("diverged", "-", "-", "-", "-")


def row_cells(comparison: Comparison, result: VariantResult) -> tuple[str, ...]:
    """Returns one text a column of `COLUMNS`; a diverged model shows no metric."""
    baseline = comparison.variant(comparison.baseline)
    difference = f"{result.auc_roc - baseline.auc_roc:+.4f}"
    metrics = (
        f"{result.auc_roc:.4f}",
        "-" if result.name == baseline.name else difference,
        f"{result.logloss:.4f}",
        f"{result.normalized_entropy:.4f}",
        f"{result.calibration:.3f}",
    )
    return (
        result.name,
        *(_DIVERGED if result.diverged else metrics),
        f"{result.num_parameters:,}",
        f"{result.embedding_bytes / _MEGABYTE:,.2f}",
        _ratio(baseline.embedding_bytes, result.embedding_bytes),
        f"{result.saved_model_bytes / _MEGABYTE:,.2f}",
        f"{result.train_seconds:,.1f}",
        f"{result.train_examples_per_second:,.0f}",
    )


def _ratio(baseline_bytes: int, variant_bytes: int) -> str:
    if not variant_bytes:
        return "-"
    ratio = baseline_bytes / variant_bytes
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:,.0f}x"
