"""The metrics of the variants in many slices at once, with analytic errors.

There are hundreds of slices and each holds few of the rows, so they are not resampled. An error is
that of a mean: of placements for auc_roc (`delong`), of influences for the others (delta method).
The influence of a row is what the metric would change by, to first order, with more of such rows.

For row i with weight w_i, label y_i, logloss l_i and prediction p_i; W, Y the sums of w and w y:

    logloss             L = sum(w l) / W            w (l - L) / W
    normalized_entropy  L / H(r), r = Y / W         w ((l - L) - s (y - r)) / (H W)
    calibration         C = sum(w p) / Y            w (p - C y) / Y

where s = L / H log((1 - r) / r) and H is the entropy. Sums of their squares need a few sums over
the rows of a slice only, which one pass finds for all slices of all keys. A difference to the
baseline has the same formulas with l and p, L and C replaced by their differences.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from components.evaluator.statistics.delong import SlicedClasses
from components.evaluator.statistics.metrics import entropy
from components.evaluator.statistics.slice_places import SlicePlaces
from components.evaluator.statistics.weighted_sums import row_losses

SLICE_METRICS = ("auc_roc", "logloss", "normalized_entropy", "calibration")


class SliceMetric(NamedTuple):
    """One metric of one variant in every slice; NaN where it is not defined.

    Attributes:
      values: float64 `[num_replicas, num_slices]`.
      error: float64 `[num_slices]`, of the mean over the replicas.
      difference_error: float64 `[num_slices]`, of the difference to the baseline.
    """

    values: np.ndarray
    error: np.ndarray
    difference_error: np.ndarray


class MeasuredVariant(NamedTuple):
    """The metrics of a variant, and what a comparison with it needs.

    Attributes:
      metrics: of `SLICE_METRICS`, by name.
      losses: float64 `[num_rows]`, the mean over the replicas.
      predictions: float64 `[num_rows]`, the mean over the replicas.
      influences: float64 `[num_rows, num_keys]`, those on auc_roc, the mean over the replicas.
    """

    metrics: dict[str, SliceMetric]
    losses: np.ndarray
    predictions: np.ndarray
    influences: np.ndarray

    def mean(self, metric: str) -> np.ndarray:
        """Returns a metric's mean over the replicas, float64 `[num_slices]`."""
        return np.mean(self.metrics[metric].values, axis=0)


class SlicedRows:
    """The rows and their slices.

    Attributes:
      num_rows: int64 `[num_slices]`.
      num_clicks: int64 `[num_slices]`.
    """

    def __init__(
        self,
        is_click: np.ndarray,
        slices: SlicePlaces,
        weights: np.ndarray | None = None,
    ) -> None:
        """Counts.

        Args:
          is_click: bool `[num_rows]`.
          slices: which slices they are in.
          weights: float64 `[num_rows]`, above 0; None are ones.
        """
        weight = np.ones(len(is_click)) if weights is None else weights
        self._is_click = is_click
        self._weights = weight
        self._slices = slices
        self._classes = SlicedClasses(slices, is_click, weight)

        def terms(rows: slice) -> list[np.ndarray]:
            click, own = is_click[rows], weight[rows]
            return [np.ones(len(own)), click, own, own * click, own**2, own**2 * click]

        counts = slices.sums(terms)
        self.num_rows, self.num_clicks = counts[:2].astype(np.int64)
        self._weight, self._clicks, self._squares, self._click_squares = counts[2:]
        self._rate = self._clicks / self._weight
        has_both = (self.num_clicks > 0) & (self.num_clicks < self.num_rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._entropy = np.where(has_both, entropy(self._rate), np.nan)

    def measure(
        self, columns: Sequence[np.ndarray], baseline: MeasuredVariant | None = None
    ) -> MeasuredVariant:
        """Measures a variant.

        auc_roc needs two rows of each class, normalized_entropy both classes, calibration a click.

        Args:
          columns: the predictions of its replicas, float32 `[num_rows]`.
          baseline: what to compare with; None is the variant itself.
        """
        predictions = [each.astype(np.float64) for each in columns]
        losses = [row_losses(each, self._is_click) for each in predictions]
        loss, prediction = _mean(losses), _mean(predictions)
        other_loss, other_prediction = loss, prediction
        if baseline is not None:
            other_loss, other_prediction = baseline.losses, baseline.predictions

        def terms(rows: slice) -> list[np.ndarray]:
            click, weight = self._is_click[rows], self._weights[rows]
            found = [weight * each[rows] for each in (*losses, *predictions)]
            for own, other in ((loss, other_loss), (prediction, other_prediction)):
                for each in (own[rows], own[rows] - other[rows]):
                    term = weight**2 * each
                    found += [term, term * each, term * click]
            return found

        sums = self._slices.sums(terms)
        num = len(columns)
        of_rows, moments = sums[: 2 * num], sums[2 * num :].reshape(2, 2, 3, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            auc, influences = self._auc(columns, baseline)
            means = self._means(of_rows[:num], of_rows[num:], moments, baseline)
        return MeasuredVariant({"auc_roc": auc, **means}, loss, prediction, influences)

    def _auc(
        self, columns: Sequence[np.ndarray], baseline: MeasuredVariant | None
    ) -> tuple[SliceMetric, np.ndarray]:
        found = [self._classes.areas(each) for each in columns]
        influences = _mean([each.influences for each in found])
        other = influences if baseline is None else baseline.influences
        errors = np.sqrt(self._slices.squares(influences, other))
        return SliceMetric(np.stack([each.values for each in found]), *errors), influences

    def _means(
        self,
        losses: np.ndarray,
        predictions: np.ndarray,
        moments: np.ndarray,
        baseline: MeasuredVariant | None,
    ) -> dict[str, SliceMetric]:
        """Returns the metrics that are ratios of sums.

        Args:
          losses: sums of weight times loss, float64 `[num_replicas, num_slices]`.
          predictions: the same of the predictions.
          moments: float64 `[2, 2, 3, num_slices]`: of losses and predictions, of their means and
            of their differences to the baseline's: sums of the squared weight times value, value^2
            and value of clicks.
          baseline: what to compare with.
        """
        values = {
            "logloss": losses / self._weight,
            "normalized_entropy": losses / self._weight / self._entropy,
            "calibration": np.where(self.num_clicks > 0, predictions / self._clicks, np.nan),
        }
        own = {name: np.mean(each, axis=0) for name, each in values.items()}
        other = own if baseline is None else {name: baseline.mean(name) for name in own}
        difference = {name: own[name] - other[name] for name in own}
        levels = zip((own, difference), *moments, strict=True)
        errors = [self._errors_of_means(*each) for each in levels]
        return {
            name: SliceMetric(each, *(of_kind[name] for of_kind in errors))
            for name, each in values.items()
        }

    def _errors_of_means(
        self, level: Mapping[str, np.ndarray], of_losses: np.ndarray, of_predictions: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Returns the standard errors, each float64 `[num_slices]`.

        Args:
          level: the metrics, or their differences to the baseline's, each float64 `[num_slices]`.
          of_losses: float64 `[3, num_slices]`, the moments of the losses, or of their differences.
          of_predictions: of the predictions.
        """
        rate, click_squares = self._rate, self._click_squares
        mean, ratio = level["logloss"], level["calibration"]
        total, square, of_click = of_losses
        spread = square - 2 * mean * total + mean**2 * self._squares
        slope = level["normalized_entropy"] * np.log((1 - rate) / rate)
        with_rate = of_click - rate * total - mean * (click_squares - rate * self._squares)
        of_rate = (1 - 2 * rate) * click_squares + rate**2 * self._squares
        _, square, of_click = of_predictions
        squares = {
            "logloss": spread / self._weight**2,
            "normalized_entropy": (spread - 2 * slope * with_rate + slope**2 * of_rate)
            / (self._entropy * self._weight) ** 2,
            "calibration": (square - 2 * ratio * of_click + ratio**2 * click_squares)
            / self._clicks**2,
        }
        # The influences are 0 on the average: their standard deviation, by its usual formula.
        few = self.num_rows / np.maximum(self.num_rows - 1, 1)
        return {name: np.sqrt(np.maximum(each, 0.0) * few) for name, each in squares.items()}


def _mean(columns: Sequence[np.ndarray]) -> np.ndarray:
    return columns[0] if len(columns) == 1 else np.mean(columns, axis=0)
