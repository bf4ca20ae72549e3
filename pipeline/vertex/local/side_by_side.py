"""Work in the order of its dependencies, what is independent side by side."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TypeVar

from components.trainer.tuning.memory import free_bytes

# A step and, behind a trainer, the process of its custom job: TensorFlow and TFX in each.
_TASK_BYTES = 3 * 10**9

T = TypeVar("T")


def run_side_by_side(
    dependencies: Mapping[str, Iterable[str]],
    work: Callable[[str, Mapping[str, T]], T],
    num_threads: int,
    stop: Callable[[], None],
) -> dict[str, T]:
    """Does the work of each node of a graph.

    Args:
      dependencies: node -> the nodes before it.
      work: called in a thread with a node and the results of all nodes before it.
      num_threads: at most so many nodes are worked on at once.
      stop: called when one has failed or the wait is interrupted; makes the others end soon.

    Returns:
      node -> result.

    Raises:
      what `work` raised first.
      graphlib.CycleError: if no order exists.
    """
    sorter = TopologicalSorter(dependencies)
    sorter.prepare()
    results: dict[str, T] = {}
    running: dict[Future[T], str] = {}
    with ThreadPoolExecutor(num_threads) as threads:
        try:
            while sorter.is_active():
                for node in sorted(sorter.get_ready()):
                    before = {name: results[name] for name in dependencies[node]}
                    running[threads.submit(work, node, before)] = node
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    node = running.pop(future)
                    results[node] = future.result()
                    sorter.done(node)
        except BaseException:
            for future in running:
                future.cancel()
            stop()
            raise
    return results


def default_num_threads() -> int:
    """Returns how many steps this machine runs side by side: one a core, if they find memory."""
    return max(1, min(len(os.sched_getaffinity(0)), free_bytes() // _TASK_BYTES))
