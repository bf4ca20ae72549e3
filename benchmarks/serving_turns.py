"""The turns of calls: one after the other, and again where other processes were in the way."""

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

# More than the clock's ticks blur, less than moves a median.
_MAX_OTHER_CORES = 0.15
_PAUSE_SECONDS = 0.5
_MILLISECONDS = 1e3
# On a machine that others use too, p5 is nearest to what it gives alone.
_PERCENTILES = (5, 50, 99)

BatchT = TypeVar("BatchT")
NameT = TypeVar("NameT")


@dataclass
class Turns:
    """What one way of calling gave.

    Attributes:
      seconds: of each call.
      cpu_seconds: of all calls, all threads.
      other_cores: the cores that all other processes of the machine used, one for each turn.
    """

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    other_cores: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Returns `p5`, `p50`, `p99` and `cpu` of a call in milliseconds, and how it was measured.

        That is `num_calls` and the median of `other_cores`.
        """
        found = np.percentile(np.array(self.seconds) * _MILLISECONDS, _PERCENTILES)
        by_name = {f"p{q}": float(value) for q, value in zip(_PERCENTILES, found, strict=True)}
        return {
            **by_name,
            "cpu": self.cpu_seconds / len(self.seconds) * _MILLISECONDS,
            "num_calls": len(self.seconds),
            "other_cores": statistics.median(self.other_cores),
        }

    def add(self, turn: "Turns") -> None:
        """Adds the calls of a turn."""
        self.seconds += turn.seconds
        self.cpu_seconds += turn.cpu_seconds
        self.other_cores += turn.other_cores


def take_turns(
    calls: Mapping[NameT, Callable[[BatchT], object]],
    batches: Iterator[BatchT],
    num_rounds: int,
    turn_seconds: float,
    deadline: float,
) -> dict[NameT, Turns]:
    """Gives each call a turn a round.

    Args:
      calls: what to time.
      batches: without end; all calls take from them.
      num_rounds: how many turns each has.
      turn_seconds: about how long a turn takes; it has one call at least.
      deadline: of `time.monotonic`; until then, a turn that other processes disturbed is repeated.

    Returns:
      what each call gave.
    """
    gc.collect()
    turns: dict[NameT, Turns] = {name: Turns() for name in calls}
    for _ in range(num_rounds):
        for name, call in calls.items():
            turn = _turn(call, batches, turn_seconds)
            while turn.other_cores[0] > _MAX_OTHER_CORES and _is_quiet_before(deadline):
                turn = _turn(call, batches, turn_seconds)
            turns[name].add(turn)
    return turns


def _turn(
    call: Callable[[BatchT], object], batches: Iterable[BatchT], turn_seconds: float
) -> Turns:
    """Calls for about so many seconds, at least once."""
    seconds: list[float] = []
    gc.disable()
    busy, own, start = _busy_seconds(), time.process_time(), time.perf_counter()
    for batch in batches:
        before = time.perf_counter()
        call(batch)
        after = time.perf_counter()
        seconds.append(after - before)
        if after - start > turn_seconds:
            break
    busy, own = _busy_seconds() - busy, time.process_time() - own
    elapsed = time.perf_counter() - start
    gc.enable()
    return Turns(seconds, own, [max(0.0, busy - own) / elapsed])


def _is_quiet_before(deadline: float) -> bool:
    """Waits until other processes rest, and returns whether they did so before the deadline."""
    other_cores = float("inf")
    while other_cores > _MAX_OTHER_CORES and time.monotonic() < deadline:
        busy, start = _busy_seconds(), time.perf_counter()
        time.sleep(_PAUSE_SECONDS)
        other_cores = (_busy_seconds() - busy) / (time.perf_counter() - start)
    return other_cores <= _MAX_OTHER_CORES


def _busy_seconds() -> float:
    """Returns the time that all cores have worked, or were taken by other virtual machines."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = ticks
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def table(heading: str, figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Returns p50 / p99 as a table of Markdown.

    Args:
      heading: of the first column.
      figures: row -> column -> `Turns.figures`.
    """
    columns: Sequence[str] = list(next(iter(figures.values())))
    lines = [f"| {heading} | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for name, by_column in figures.items():
        cells = [f"{by_column[c]['p50']:.2f} / {by_column[c]['p99']:.2f}" for c in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
