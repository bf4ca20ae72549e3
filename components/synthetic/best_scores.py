"""The best scores that any model can reach on planted clicks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from components.synthetic.planted_model import PROBABILITIES


class LogitCounts:
    """Counts rows and clicks by logit: all that the best achievable scores depend on."""

    def __init__(self) -> None:
        self._rows = np.zeros(len(PROBABILITIES), np.int64)
        self._clicks = np.zeros(len(PROBABILITIES), np.int64)

    def add(self, logits: npt.NDArray[np.int64], labels: npt.NDArray[np.bool_]) -> None:
        """Adds rows, given `PlantedModel.logits` and the labels drawn."""
        self._rows += np.bincount(logits, minlength=len(self._rows))
        self._clicks += np.bincount(logits[labels], minlength=len(self._rows))

    @property
    def click_rate(self) -> float:
        """The share of rows with a click."""
        return float(self._clicks.sum() / self._rows.sum())

    def best(self) -> tuple[float, float]:
        """Returns the best auc_roc and logloss (nats) that any model can expect on these rows.

        Both are expectations over the labels, given the rows: of a pair of rows, the probability
        that the one drawn as a click has the larger probability of it (ties count half), and the
        mean entropy.
        """
        clicks, others = self._rows * PROBABILITIES, self._rows * (1.0 - PROBABILITIES)
        return _auc_roc(clicks, others), _logloss(clicks, others)

    def best_normalized_entropy(self) -> float:
        """Returns the best logloss over the entropy of the mean probability (He et al. 2014)."""
        rate = float((self._rows * PROBABILITIES).sum() / self._rows.sum())
        entropy = -(rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate))
        return float(self.best()[1] / entropy)

    def realized(self) -> tuple[float | None, float]:
        """Returns auc_roc and logloss (nats) of the planted probabilities on the drawn labels.

        The auc_roc is None where only one class was drawn.
        """
        clicks, others = self._clicks, self._rows - self._clicks
        has_both_classes = clicks.any() and others.any()
        return _auc_roc(clicks, others) if has_both_classes else None, _logloss(clicks, others)


def _auc_roc(clicks: npt.NDArray[Any], others: npt.NDArray[Any]) -> float:
    """Returns the auc_roc of `PROBABILITIES` on weighted rows of both classes."""
    ranked = np.sum(clicks * (np.cumsum(others) - 0.5 * others))
    return float(ranked) / (float(clicks.sum()) * float(others.sum()))


def _logloss(clicks: npt.NDArray[Any], others: npt.NDArray[Any]) -> float:
    """Returns the logloss (nats) of `PROBABILITIES` on weighted rows."""
    gains = np.sum(clicks * np.log(PROBABILITIES)) + np.sum(others * np.log1p(-PROBABILITIES))
    return -float(gains) / float(clicks.sum() + others.sum())
