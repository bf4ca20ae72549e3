"""The figures of predicted probabilities that need all of them at once."""

import numpy as np

THRESHOLD = 0.5


def classification_metrics(
    label: np.ndarray, probability: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Returns auc_roc, accuracy, precision, recall and f1, as the Evaluator defines them.

    auc_roc is exact: the probability that a click has a higher prediction than another row, ties
    count half. A row counts as a predicted click from a probability of 0.5 on, the Evaluator's
    default. Without a predicted click precision is 0. What is not defined is left out: without a
    click auc_roc and recall, without another row auc_roc, without a row all.

    Args:
      label: float32 `[num_rows]`, 0 or 1.
      probability: float32 `[num_rows]`.
      weight: float32 `[num_rows]`; a row of weight 0 does not count.
    """
    clicks, others = (float(_sum(weight[label == value])) for value in (1.0, 0.0))
    if not clicks + others:
        return {}
    is_above = probability >= THRESHOLD
    true_clicks = float(_sum(weight[is_above & (label == 1)]))
    false_clicks = float(_sum(weight[is_above & (label == 0)]))
    predicted = true_clicks + false_clicks
    metrics = {"auc_roc": _auc_roc(label, probability, weight)} if clicks and others else {}
    metrics |= {
        "accuracy": (true_clicks + others - false_clicks) / (clicks + others),
        "precision": true_clicks / predicted if predicted else 0.0,
        "f1": 2.0 * true_clicks / (predicted + clicks) if predicted + clicks else 0.0,
    }
    if clicks:
        metrics["recall"] = true_clicks / clicks
    return metrics


def _auc_roc(label: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(probability)
    ordered = probability[order]
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    weight = weight[order].astype(np.float64)
    clicks = np.add.reduceat(weight * (label[order] == 1), starts)
    others = np.add.reduceat(weight * (label[order] == 0), starts)
    below = np.cumsum(others) - others
    return float(np.sum(clicks * (below + 0.5 * others)) / (clicks.sum() * others.sum()))


def _sum(weight: np.ndarray) -> np.float64:
    return weight.sum(dtype=np.float64)
