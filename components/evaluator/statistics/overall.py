"""The metrics on all rows: exact values, errors from the bootstrap."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.errors import InputError
from components.evaluator.measures import METRICS
from components.evaluator.metric_result import MetricResult
from components.evaluator.statistics.calibration import BIN_SUMS
from components.evaluator.statistics.uncertainty import Noisy, baseline_result, compared_results

_LOGGER = logging.getLogger(__name__)


class Measured:
    """What was measured of one variant.

    Attributes:
      values: metric -> float64 `[num_replicas]`, on the rows themselves.
      resampled: metric -> float64 `[num_resamples]`, the mean over the replicas; NaN where a
        resample lacks a class.
      bins: of the first replica, as in `calibration.calibration_bins`.
    """

    def __init__(self, replicas: Sequence[pa.Table]) -> None:
        """Takes the numbers from the tables.

        Args:
          replicas: of each replica its rows of `MetricsPiece`, in order.
        """
        found = {name: np.stack([each[name].to_numpy() for each in replicas]) for name in METRICS}
        self.values = {name: each[:, 0] for name, each in found.items()}
        self.resampled = {name: np.mean(each[:, 1:], axis=0) for name, each in found.items()}
        self.bins = np.array(replicas[0][BIN_SUMS][0].as_py()).reshape(-1, 5)


def overall_results(
    measured: Mapping[str, Measured], baseline: str, confidence: float
) -> dict[str, dict[str, MetricResult]]:
    """Returns variant -> metric -> result, with p-values adjusted for the number of variants.

    A resample in which a class is lacking is left out. With enough clicks there is none.

    Args:
      measured: variant -> its numbers; all of the same rows, resamples and number of replicas.
      baseline: one of them.
      confidence: of the intervals.

    Raises:
      InputError: if the rows have one class only, or next to no row of the other.
    """
    usable = _usable_resamples(measured[baseline])
    reference = measured[baseline]
    results: dict[str, dict[str, MetricResult]] = {name: {} for name in measured}
    for metric in METRICS:
        compared = {}
        for name, each in measured.items():
            own = _noisy(each.values[metric], each.resampled[metric][usable])
            if name == baseline:
                results[name][metric] = baseline_result(own, confidence)
                continue
            difference = _noisy(
                each.values[metric] - reference.values[metric],
                (each.resampled[metric] - reference.resampled[metric])[usable],
            )
            compared[name] = own, difference
        found = compared_results(list(compared.values()), confidence)
        for name, result in zip(compared, found, strict=True):
            results[name][metric] = result
    return results


def _noisy(values: np.ndarray, resampled: np.ndarray) -> Noisy:
    return Noisy.of_replicas(values.tolist(), float(np.std(resampled, ddof=1)))


def _usable_resamples(baseline: Measured) -> np.ndarray:
    """Returns which resamples have rows of both classes, bool `[num_resamples]`.

    The labels and the weights are those of every variant, so it is the same for all of them.
    """
    usable = np.isfinite(baseline.resampled["auc_roc"])
    num_left_out = int(np.count_nonzero(~usable))
    if num_left_out > len(usable) / 2:
        raise InputError(
            "the eval split: expected rows with label 0 and rows with label 1, and some of each; "
            f"{num_left_out} of {len(usable)} resamples hold rows of one label only"
        )
    if num_left_out:
        _LOGGER.warning(
            "%d of %d resamples hold rows of one label only and are left out",
            num_left_out,
            len(usable),
        )
    return usable
