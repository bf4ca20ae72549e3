"""The split of a row, from its content alone."""

import zlib
from collections.abc import Sequence

import numpy as np

from components.example_gen.config import NUM_SPLIT_BUCKETS, ExampleGenConfig

_MASK = 2**64 - 1


def num_eval_buckets(config: ExampleGenConfig) -> int:
    """Returns how many of the 10,000 buckets make the eval split."""
    return round(config.eval_fraction * NUM_SPLIT_BUCKETS)


def is_eval(lines: Sequence[bytes], config: ExampleGenConfig) -> np.ndarray:
    """Tells which rows belong to the eval split.

    The CRC-32 of the line and the seed go through the finalizer of SplitMix64 (Steele, Lea and
    Flood 2014) and then into 10,000 buckets. The place of the row, its file and its block play
    no part, and equal lines share a split.

    Args:
      lines: the raw lines without their ends.
      config: gives the fraction and the seed.

    Returns:
      bool `[num_lines]`.
    """
    checksums = np.fromiter(map(zlib.crc32, lines), np.uint64, len(lines))
    mixed = checksums + np.uint64((config.split_seed + 1) * 0x9E3779B97F4A7C15 & _MASK)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    buckets: np.ndarray = mixed % np.uint64(NUM_SPLIT_BUCKETS)
    return buckets < num_eval_buckets(config)
