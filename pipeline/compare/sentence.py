"""The answer of a comparison of two runs in one sentence."""

from collections.abc import Mapping

from components.evaluator.metric_result import Estimate
from components.evaluator.numbers import digits, interval_text, percent, signed, size_change
from components.quantities import bytes_text
from pipeline.compare.result import CostPair, MetricPair


def plain_sentence(
    metrics: Mapping[str, MetricPair],
    costs: Mapping[str, CostPair],
    num_rows: int,
    confidence: float,
) -> str:
    """Returns which model ranks better, how sure that is, and what its embeddings take.

    Args:
      metrics: metric -> both models; `auc_roc` and `logloss` are among them.
      costs: cost -> both models.
      num_rows: that both predicted.
      confidence: of the intervals.
    """
    auc_roc = metrics["auc_roc"].difference
    found = _found(auc_roc, confidence)
    if auc_roc.low > 0:
        quality = f"B ranks better than A on {num_rows:,} rows: its auc_roc differs by {found}"
    elif auc_roc.high < 0:
        quality = f"B ranks worse than A on {num_rows:,} rows: its auc_roc differs by {found}"
    else:
        quality = (
            f"No difference in ranking was found on {num_rows:,} rows: auc_roc differs by {found}"
        )
        logloss = metrics["logloss"].difference
        if logloss.low > 0 or logloss.high < 0:
            quality += f", but logloss differs by {_found(logloss, confidence)}"
    size = costs.get("embedding_bytes")
    return f"{quality}; {_bytes(size.a, size.b)}." if size and size.a and size.b else f"{quality}."


def _found(difference: Estimate, confidence: float) -> str:
    value = signed(difference.value, digits(difference))
    return f"{value} ({percent(confidence)} interval {interval_text(difference)})"


def _bytes(of_a: float, of_b: float) -> str:
    if of_a == of_b:
        return f"the embeddings of both take {bytes_text(of_a)}"
    takes = f"B's embeddings take {bytes_text(of_b)}, A's {bytes_text(of_a)}"
    ratio, word = size_change(of_b, of_a) or ("1.0x", "")
    return takes if ratio == "1.0x" else f"{takes}: {ratio} {word}"
