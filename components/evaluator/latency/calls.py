"""Calls of exported models, timed in turns."""

import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.raw_tensors import raw_tensors
from schemas.serving import RAW_FEATURES

NUM_ROUNDS = 10
_MIN_BATCHES, _MAX_BATCHES = 8, 64
_ROWS = 16_384
_MIN_CALLS_A_TURN = 2
_WARM_UP_CALLS = 5
_NANOSECONDS = 1e9

Batch = Sequence[tf.Tensor]
Call = Callable[[Batch], object]


def num_rows_used(batch_size: int) -> int:
    """Returns how many different rows the calls of one batch size take at most."""
    return batch_size * min(max(_MIN_BATCHES, _ROWS // batch_size), _MAX_BATCHES)


def make_batches(rows: pa.Table, batch_size: int) -> list[Batch]:
    """Returns batches as `flat_call` takes them; where rows are short they come again.

    Args:
      rows: raw rows, one or more.
      batch_size: rows a batch.
    """
    raw = raw_tensors(rows)
    places = np.arange(num_rows_used(batch_size)) % rows.num_rows
    parts = places.reshape(-1, batch_size)[: -(-rows.num_rows // batch_size)]
    # The order of a signature's inputs is that of `tf.nest`: by name.
    return [[tf.constant(raw[name][part]) for name in sorted(raw)] for part in parts]


def flat_call(model: Any) -> Call:
    """Returns a call of a loaded model's signature for raw features, as one operation.

    The tensors are given in their order, as a server does; from Python by keyword, binding 40 names
    takes longer than the model does for one row. A call ends with the probabilities in NumPy. It
    does not keep the model alive.
    """
    function = model.signatures[RAW_FEATURES]
    captured = list(function.captured_inputs)
    dtypes = [output.dtype for output in function.outputs]

    def call(batch: Batch) -> list[np.ndarray]:
        args = [*batch, *captured]
        outputs = tf.raw_ops.StatefulPartitionedCall(args=args, Tout=dtypes, f=function)
        return [output.numpy() for output in outputs]

    return call


def warm_up(call: Call, batches: Sequence[Batch]) -> None:
    """Calls a few times: the first ones prepare the graph and the memory."""
    for number in range(_WARM_UP_CALLS):
        call(batches[number % len(batches)])


def time_calls(
    calls: Mapping[str, Call],
    batches: Sequence[Batch],
    seconds: float,
    max_calls: int,
    report_round: Callable[[int], None],
) -> dict[str, list[int]]:
    """Times calls that take turns, so that a drift of the machine hits all alike.

    There are `NUM_ROUNDS` rounds, in each of which every variant has one turn of a few calls, in a
    shuffled order that is the same in every run. The first call of a turn is not timed: it brings
    the model back into the caches, where it would be if it was served alone.

    Args:
      calls: variant -> what to call; already warm.
      batches: of one size; all variants take the same ones in the same order.
      seconds: about how long each variant is called, in all.
      max_calls: how often each is timed at most; 20 or more. It is 20 times at least.
      report_round: is told the number of the round that begins, from 1.

    Returns:
      variant -> the nanoseconds of its calls.
    """
    nanoseconds: dict[str, list[int]] = {name: [] for name in calls}
    order = random.Random(0)
    gc.collect()
    gc.disable()
    try:
        for number in range(1, NUM_ROUNDS + 1):
            report_round(number)
            for name in order.sample(sorted(calls), len(calls)):
                found = nanoseconds[name]
                found += _turn(calls[name], batches, len(found), seconds, max_calls)
    finally:
        gc.enable()
    return nanoseconds


def _turn(
    call: Call, batches: Sequence[Batch], first: int, seconds: float, max_calls: int
) -> list[int]:
    """Returns the nanoseconds of the calls of one turn, the first of which is call `first`."""
    found: list[int] = []
    start = time.perf_counter_ns()
    limit = start + seconds / NUM_ROUNDS * _NANOSECONDS
    call(batches[first % len(batches)])
    while len(found) < max_calls // NUM_ROUNDS:
        batch = batches[(first + len(found)) % len(batches)]
        before = time.perf_counter_ns()
        call(batch)
        after = time.perf_counter_ns()
        found.append(after - before)
        if after >= limit and len(found) >= _MIN_CALLS_A_TURN:
            break
    return found
