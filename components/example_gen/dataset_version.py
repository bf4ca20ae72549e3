"""Dataset versions: rows drawn evenly over a log up to a size, with the log's share of clicks.

A row belongs to a version if a hash of its line is below a threshold for its label. So the choice
of a row depends on no order or block, equal lines stay together, and the rows that are taken are
spread over the whole log.
"""

from typing import NamedTuple

import numpy as np

from components.errors import InputError
from components.example_gen.hashing import VERSION, sample_hash

NUM_BUCKETS = 2**20
_BUCKET_SHIFT = np.uint64(64 - 20)
_SHARE_TOLERANCE = 0.001
_BYTES_IN_MEGABYTE = 10**6


class DatasetVersion(NamedTuple):
    """Which rows belong to a version; it travels to the workers.

    Attributes:
      sample_seed: of the hash.
      thresholds: for label 0 and label 1: the buckets below it are taken.
    """

    sample_seed: int
    thresholds: tuple[int, int]

    def contains(self, checksums: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Tells which rows belong to the version.

        Args:
          checksums: uint32 `[num_rows]`.
          labels: int64 `[num_rows]`, 0 or 1.

        Returns:
          bool `[num_rows]`.
        """
        taken: np.ndarray = (
            _buckets(checksums, self.sample_seed) < np.array(self.thresholds)[labels]
        )
        return taken


class BucketCounts:
    """Rows and bytes of a log by label and hash.

    Attributes:
      num_rows: int64 `[2, NUM_BUCKETS]`, first axis the label.
      num_bytes: the bytes of their raw lines, of the same shape.
    """

    def __init__(self) -> None:
        """Starts with no row."""
        self.num_rows = np.zeros((2, NUM_BUCKETS), np.int64)
        self.num_bytes = np.zeros((2, NUM_BUCKETS), np.int64)

    def add_rows(
        self, checksums: np.ndarray, labels: np.ndarray, num_bytes: np.ndarray, sample_seed: int
    ) -> None:
        """Adds rows.

        Args:
          checksums: uint32 `[num_rows]`.
          labels: int64 `[num_rows]`, 0 or 1.
          num_bytes: int64 `[num_rows]`.
          sample_seed: of the hash.
        """
        if not len(labels):
            return
        places = labels * NUM_BUCKETS + _buckets(checksums, sample_seed)
        order = np.argsort(places)
        distinct, starts, counts = np.unique(places[order], return_index=True, return_counts=True)
        self.add(distinct, counts, np.add.reduceat(num_bytes[order], starts))

    def add(self, places: np.ndarray, num_rows: np.ndarray, num_bytes: np.ndarray) -> None:
        """Adds what `filled` of another part of the log returned."""
        self.num_rows.reshape(-1)[places] += num_rows
        self.num_bytes.reshape(-1)[places] += num_bytes

    def filled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the buckets with rows: flat places, rows and bytes, int64 `[num_filled]`."""
        places = np.flatnonzero(self.num_rows)
        return places, self.num_rows.reshape(-1)[places], self.num_bytes.reshape(-1)[places]

    def __getstate__(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Only the filled buckets travel between workers."""
        return self.filled()

    def __setstate__(self, filled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Restores what `__getstate__` gave."""
        BucketCounts.__init__(self)
        self.add(*filled)


def choose_version(counts: BucketCounts, size_megabytes: float, sample_seed: int) -> DatasetVersion:
    """Chooses the largest version up to a size.

    Of all pairs of thresholds with at most `size_megabytes` and a share of clicks within 0.1
    points of the log's, those with the most bytes are looked at, to one mean row; of these the one
    with the nearest share is taken.

    Args:
      counts: of the whole log.
      size_megabytes: 10**6 bytes of raw lines.
      sample_seed: of the hash that `counts` was made with.

    Raises:
      InputError: if the log is smaller, or so few rows fit that the share cannot be kept.
    """
    size_bytes, log_bytes = size_megabytes * _BYTES_IN_MEGABYTE, int(counts.num_bytes.sum())
    log_rows = counts.num_rows.sum(axis=1)
    log = f"{log_bytes / _BYTES_IN_MEGABYTE:.10g} megabytes in {log_rows.sum():,} valid rows"
    if size_bytes > log_bytes:
        raise InputError(
            f"example_gen.size_megabytes is {size_megabytes:.10g}, but the log has only {log}: set "
            "it to at most that, or to null for all rows"
        )
    # rows[label, t] and num_bytes[label, t] are what the threshold t takes.
    rows, num_bytes = _cumulative(counts.num_rows), _cumulative(counts.num_bytes)
    share = log_rows[1] / log_rows.sum()
    fewest, most = _other_rows(rows[1], share)
    by_size = np.searchsorted(num_bytes[0], size_bytes - num_bytes[1], "right") - 1
    by_share = np.searchsorted(rows[0], most, "right") - 1
    negatives = np.minimum(by_size, by_share)
    taken = rows[0][negatives] + rows[1]
    allowed = (negatives >= 0) & (rows[0][negatives] >= fewest) & (taken > 0)
    if not allowed.any():
        raise InputError(
            f"example_gen.size_megabytes {size_megabytes:.10g} takes too few rows to keep the "
            f"log's {share:.2%} of clicks within 0.1 points (the log has {log}): give a larger size"
        )
    sizes = np.where(allowed, num_bytes[0][negatives] + num_bytes[1], -1)
    largest = np.flatnonzero(allowed & (sizes >= sizes.max() - log_bytes / log_rows.sum()))
    clicks = int(largest[np.argmin(np.abs(rows[1][largest] / taken[largest] - share))])
    return DatasetVersion(sample_seed, (int(negatives[clicks]), clicks))


def _buckets(checksums: np.ndarray, sample_seed: int) -> np.ndarray:
    hashes = sample_hash(checksums, VERSION, sample_seed)
    return (hashes >> _BUCKET_SHIFT).astype(np.int64)


def _cumulative(counts: np.ndarray) -> np.ndarray:
    """Returns int64 `[2, NUM_BUCKETS + 1]`: the sum over the buckets below each threshold."""
    return np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))


def _other_rows(clicks: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns how few and how many rows of label 0 keep the share beside these clicks."""
    fewest = clicks / (share + _SHARE_TOLERANCE) - clicks
    if share <= _SHARE_TOLERANCE:
        return fewest, np.full(len(clicks), np.inf)
    return fewest, clicks / (share - _SHARE_TOLERANCE) - clicks
