"""How the values of a numeric feature are distributed, in counts that merge exactly.

This is DDSketch (Masson, Rim, Lee 2019, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees", VLDB 12, sections 2.1 and 2.2): values are counted in buckets whose
width grows with the value, on both sides of 0, so each value is known up to a relative error. The
bounds of its buckets are powers; here they are the float64 numbers with 9 bits after the leading
one, so a bucket is read from the bits of a number, is the same on every machine, and holds one
integer alone below 1,024. A bucket is 1 / 512 of its lower bound wide at most, so its middle is
within `RELATIVE_ERROR` of each value in it.

All buckets of a value that int64 or float32 can hold are kept; none is ever merged with another.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

RELATIVE_ERROR = 2.0**-10

_FRACTION_BITS = 9
_SHIFT = 52 - _FRACTION_BITS
# Float32's normal numbers: smaller ones count as 0, and none is as large as 2**128.
_SMALLEST, _TOO_LARGE = 2.0**-126, 2.0**128


def _bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float64).view(np.int64)


_FIRST_KEY = int(_bits(np.array(_SMALLEST)) >> _SHIFT)
_ZERO_BUCKET = int(_bits(np.array(_TOO_LARGE)) >> _SHIFT) - _FIRST_KEY
NUM_BUCKETS = 2 * _ZERO_BUCKET + 1


def bucket_of(values: np.ndarray) -> np.ndarray:
    """Returns the bucket of each value; buckets are in the order of their values.

    Args:
      values: finite float64 `[num_values]`, of magnitude below 2**128.

    Returns:
      int64 `[num_values]` in `[0, NUM_BUCKETS)`.
    """
    magnitudes = np.abs(values)
    distance = (_bits(magnitudes) >> _SHIFT) - _FIRST_KEY + 1
    distance[magnitudes < _SMALLEST] = 0
    return _ZERO_BUCKET + np.where(values < 0, -distance, distance)


@dataclass(frozen=True)
class ValueSketch:
    """The counts of the buckets that hold a value.

    Attributes:
      buckets: int64 `[num_buckets]`, increasing.
      counts: int64 `[num_buckets]`, all above 0.
      integers: whether the values are integers.
    """

    buckets: np.ndarray
    counts: np.ndarray
    integers: bool

    @classmethod
    def from_table(cls, counts: pa.Table, first: int, integers: bool) -> "ValueSketch":
        """Cuts the sketch of one feature out of the counts of several.

        Args:
          counts: as of `counting.to_table`.
          first: the position of the feature's bucket 0.
          integers: whether the values are integers.
        """
        positions = counts["position"].to_numpy()
        start, end = np.searchsorted(positions, [first, first + NUM_BUCKETS])
        own = counts.slice(start, end - start)
        return cls(own["position"].to_numpy() - first, own["count"].to_numpy(), integers)

    def values(self) -> np.ndarray:
        """Returns the value that stands for each bucket, float64 `[num_buckets]`.

        It is the middle of the values that the bucket can hold: within `RELATIVE_ERROR` of each,
        and exact for integers below 1,024.
        """
        lower, upper = self._magnitudes()
        if self.integers:
            upper = np.maximum(lower, upper - 1)
        return np.sign(self.buckets - _ZERO_BUCKET) * (lower + upper) / 2

    def quantiles(self, shares: int) -> np.ndarray:
        """Returns the bounds that cut the values into equal shares.

        Bound k is the largest value of the bucket in which the share k / `shares` of the counted
        values is reached. So of the values that are not in the same bucket as x, the share k /
        `shares` at least is smaller than x exactly if bound k is.

        Args:
          shares: the number of shares, 1 or more.

        Returns:
          float64 `[shares]`, increasing, the last one an upper bound of all values; infinite if
          there is no value.
        """
        if not len(self.counts):
            return np.full(shares, np.inf)
        reached = np.cumsum(self.counts)
        wanted = np.arange(1, shares + 1, dtype=np.int64) * reached[-1]
        return self._largest()[np.searchsorted(reached * shares, wanted)]

    def _magnitudes(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the smallest magnitude of each bucket, and the smallest above it."""
        keys = np.abs(self.buckets - _ZERO_BUCKET) + _FIRST_KEY - 1
        is_zero = self.buckets == _ZERO_BUCKET
        lower, upper = ((k << _SHIFT).view(np.float64) for k in (keys, keys + 1))
        return np.where(is_zero, 0.0, lower), np.where(is_zero, 0.0, upper)

    def _largest(self) -> np.ndarray:
        lower, upper = self._magnitudes()
        below_upper = np.nextafter(upper, 0.0)
        return np.where(self.buckets < _ZERO_BUCKET, -lower, below_upper)
