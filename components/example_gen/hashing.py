"""Pseudo-random numbers of a row, from its checksum alone: equal lines get equal numbers."""

import numpy as np

_MASK = 2**64 - 1
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15

# What a number decides. Each choice has numbers of its own, else one would follow from another.
VERSION = 1
NEGATIVES = 2


def split_hash(checksums: np.ndarray, seed: int) -> np.ndarray:
    """Returns the numbers that the split by hash uses.

    The CRC-32 of the line, moved by the seed, goes through the finalizer of SplitMix64 (Steele,
    Lea and Flood 2014).

    Args:
      checksums: uint32 `[num_rows]`.
      seed: from 0, below 2**32.

    Returns:
      uint64 `[num_rows]`.
    """
    return _mix(checksums, (seed + 1) * _GOLDEN_GAMMA)


def sample_hash(checksums: np.ndarray, purpose: int, seed: int) -> np.ndarray:
    """Returns the numbers of one purpose, independent of the others' and of the split's.

    As `split_hash`, but moved by a hash of purpose and seed.

    Args:
      checksums: uint32 `[num_rows]`.
      purpose: `VERSION` or `NEGATIVES`.
      seed: from 0, below 2**32.

    Returns:
      uint64 `[num_rows]`.
    """
    salt = _mix(np.zeros(1, np.uint64), purpose << 32 | seed)
    return _mix(checksums, int(salt[0]))


def _mix(values: np.ndarray, salt: int) -> np.ndarray:
    mixed = values.astype(np.uint64) + np.uint64(salt & _MASK)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: np.ndarray = mixed ^ (mixed >> np.uint64(31))
    return result
