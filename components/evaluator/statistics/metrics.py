"""The metrics, from the sums over the rows."""

import numpy as np

from components.evaluator.statistics.weighted_sums import TINY, WeightedSums


def entropy(click_rate: np.ndarray) -> np.ndarray:
    """Returns the logloss, in nats, of always predicting the click rate.

    Args:
      click_rate: float64, above 0 and below 1.
    """
    return -(click_rate * np.log(click_rate) + (1.0 - click_rate) * np.log1p(-click_rate))


def metrics_of(sums: WeightedSums) -> dict[str, np.ndarray]:
    """Returns every metric of `measures.METRICS` in every resample.

    * auc_roc: probability that a click has a higher prediction than another row; ties count half.
    * auc_pr: average precision, sum over the predictions, from the highest on, of the gain in
      recall times the precision, as scikit-learn's `average_precision_score`. TFMA's
      `AUCPrecisionRecall` instead interpolates between thresholds (Davis and Goadrich 2006).
    * logloss: in nats, predictions clipped by 1e-7.
    * normalized_entropy: logloss / entropy of the resample's own click rate (He et al. 2014).
    * calibration: mean prediction / click rate.
    * expected_calibration_error: mean of |mean prediction - click rate| over the bins of
      `Ranking`, weighted by their weight (Naeini et al. 2015). The bins stay those of the rows
      themselves.
    * brier_score: mean of (prediction - label)^2.
    * accuracy, precision, recall, f1: at the threshold; without a predicted click precision is 0.

    Returns:
      Metric -> float64 `[num_resamples]`; NaN throughout where a resample lacks one of the classes.
    """
    # Resamples of one class are made NaN on purpose; the divisions below stay silent.
    usable = (sums.clicks > 0) & (sums.others > 0)
    clicks = np.where(usable, sums.clicks, np.nan)
    others = np.where(usable, sums.others, np.nan)
    weight = clicks + others
    rate = clicks / weight
    weight_above = sums.clicks_above + sums.others_above
    gaps = np.abs(sums.gaps).sum(axis=0)
    return {
        "auc_roc": 1.0 - sums.inverted_pairs / (clicks * others),
        "auc_pr": sums.precisions / clicks,
        "logloss": sums.losses / weight,
        "normalized_entropy": sums.losses / weight / entropy(rate),
        "calibration": sums.predictions / clicks,
        "expected_calibration_error": gaps / weight,
        "brier_score": sums.squared_errors / weight,
        "accuracy": (sums.clicks_above + others - sums.others_above) / weight,
        "precision": np.where(usable, sums.clicks_above / np.maximum(weight_above, TINY), np.nan),
        "recall": sums.clicks_above / clicks,
        "f1": 2.0 * sums.clicks_above / (weight_above + clicks),
    }
