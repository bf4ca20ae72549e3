"""Counts of any number of values with bounded memory: an external merge.

Counts that outgrow a bound in bytes are merged and spilled to a file, ordered by the hash of the
value. Equal values have equal hashes, so a range of hashes, a shard, can be merged by itself: only
the bytes that hold the range are read from each file. How many shards there are is chosen once the
sizes of all spilled counts are known.

A spill file is a sequence of Arrow record batches (blocks) without a schema, read by their byte
offsets. Its name is unique: the file of an attempt that failed is never named to a reader.
"""

import math
import os
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.transform.value_counts import NUM_BUCKETS, hash_buckets, merge_counts

# A block is this part of the bound: the grain in which a shard is read from a spill file.
_BLOCKS_PER_BOUND = 256
# What the objects of Python and Arrow take for a table, about.
_TABLE_BYTES = 1024
_BLOCK_SCHEMA = pa.schema([("value", pa.binary()), ("count", pa.int64()), ("bucket", pa.uint16())])


class Run(NamedTuple):
    """The counts of one feature in one spill file, each value once, ordered by hash bucket.

    Attributes:
      path: the file.
      offsets: int64 `[num_blocks + 1]`, where the blocks start and the last one ends, in bytes.
      first_buckets: uint16 `[num_blocks]`, the bucket of the first value of each block.
      num_bytes: their size in memory.
    """

    path: str
    offsets: np.ndarray
    first_buckets: np.ndarray
    num_bytes: int


class Extent(NamedTuple):
    """Whole blocks that stand together in a spill file."""

    path: str
    offset: int
    num_bytes: int


class Shard(NamedTuple):
    """What has to be read to merge the values of the buckets `[first_bucket, end_bucket)`."""

    first_bucket: int
    end_bucket: int
    extents: list[Extent]


class BoundedCounts:
    """Counts of several features, of which the memory holds so many bytes only."""

    def __init__(self, folder: str, bound_bytes: int) -> None:
        """Starts with no counts.

        Args:
          folder: where spill files go; exists.
          bound_bytes: the size of the counts in memory from which on they are merged. If that
            leaves more than a half, they are spilled.
        """
        self._folder = folder
        self._bound_bytes = bound_bytes
        self._parts: dict[str, list[pa.Table]] = {}
        self._num_bytes = 0

    def add(self, feature: str, counts: pa.Table) -> list[tuple[str, Run]]:
        """Takes a table of counts, and returns the runs that were spilled to make room."""
        self._parts.setdefault(feature, []).append(counts)
        self._num_bytes += _size(counts)
        if self._num_bytes <= self._bound_bytes:
            return []
        self._merge()
        return self._write() if self._num_bytes > self._bound_bytes // 2 else []

    def spill(self) -> list[tuple[str, Run]]:
        """Writes all counts to one file, and returns (feature, run) pairs; no counts, no file."""
        self._merge()
        return self._write()

    def _merge(self) -> None:
        self._parts = {name: [merge_counts(parts)] for name, parts in self._parts.items()}
        self._num_bytes = sum(_size(counts) for (counts,) in self._parts.values())

    def _write(self) -> list[tuple[str, Run]]:
        path = os.path.join(self._folder, uuid.uuid4().hex)
        block_bytes = max(1, self._bound_bytes // _BLOCKS_PER_BOUND)
        runs = []
        if self._num_bytes:
            with tf.io.gfile.GFile(path, "wb") as file:
                offset = 0
                for feature, (counts,) in self._parts.items():
                    if counts.num_rows:
                        run = _write_run(file, path, offset, counts, block_bytes)
                        offset = int(run.offsets[-1])
                        runs.append((feature, run))
        self._parts = {}
        self._num_bytes = 0
        return runs


def _size(counts: pa.Table) -> int:
    return counts.nbytes + _TABLE_BYTES if counts.num_rows else 0


def _write_run(
    file: tf.io.gfile.GFile, path: str, offset: int, counts: pa.Table, block_bytes: int
) -> Run:
    values = counts["value"].combine_chunks()
    buckets = hash_buckets(values)
    order = np.argsort(buckets, kind="stable")
    table = pa.Table.from_arrays(
        [
            values.take(pa.array(order)),
            counts["count"].combine_chunks().take(pa.array(order)),
            pa.array(buckets[order]),
        ],
        schema=_BLOCK_SCHEMA,
    )
    block_rows = max(1, table.num_rows * block_bytes // table.nbytes)
    offsets = [offset]
    for block in table.to_batches(max_chunksize=block_rows):
        content = block.serialize().to_pybytes()
        file.write(content)
        offsets.append(offsets[-1] + len(content))
    return Run(path, np.array(offsets), buckets[order][::block_rows], table.nbytes)


def plan_shards(runs: Iterable[Run], shard_bytes: int) -> Iterator[Shard]:
    """Cuts the values of one feature into shards of equally many buckets.

    Args:
      runs: all runs of the feature.
      shard_bytes: about the size of a shard in memory, before equal values are merged.
    """
    runs = list(runs)
    num_bytes = sum(run.num_bytes for run in runs)
    num_shards = min(NUM_BUCKETS, math.ceil(num_bytes / shard_bytes))
    for shard in range(num_shards):
        first = shard * NUM_BUCKETS // num_shards
        end = (shard + 1) * NUM_BUCKETS // num_shards
        extents = [_find(run, first, end) for run in runs]
        yield Shard(first, end, [extent for extent in extents if extent.num_bytes])


def _find(run: Run, first_bucket: int, end_bucket: int) -> Extent:
    """Returns the blocks that may hold values of the buckets."""
    # The block before the first one that starts in the range may end in it.
    start = max(0, int(np.searchsorted(run.first_buckets, first_bucket)) - 1)
    end = max(start, int(np.searchsorted(run.first_buckets, end_bucket)))
    offset = int(run.offsets[start])
    return Extent(run.path, offset, int(run.offsets[end]) - offset)


def read_shard(shard: Shard) -> pa.Table:
    """Returns the table of counts of a shard, each value once."""
    parts = [part for extent in shard.extents for part in _read(extent, shard)]
    # One run has each value once.
    return pa.concat_tables(parts) if len(shard.extents) == 1 else merge_counts(parts)


def _read(extent: Extent, shard: Shard) -> Iterator[pa.Table]:
    with tf.io.gfile.GFile(extent.path, "rb") as file:
        file.seek(extent.offset)
        content = pa.BufferReader(file.read(extent.num_bytes))
    while content.tell() < extent.num_bytes:
        block = pa.ipc.read_record_batch(pa.ipc.read_message(content), _BLOCK_SCHEMA)
        buckets = block.column("bucket").to_numpy()
        first, end = np.searchsorted(buckets, [shard.first_bucket, shard.end_bucket])
        yield pa.Table.from_batches([block]).slice(first, end - first).drop(["bucket"])
