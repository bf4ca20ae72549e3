"""The turns of workers: never two at once, one after the other, round by round."""

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.training_problem import NUM_BATCHES
from benchmarks.training_worker import Worker

_MIN_STEPS = 2
_LIMIT_STEPS = 5


@dataclass
class Turns:
    """What a contender did.

    Attributes:
      num_parameters: its trained values.
      software: what it ran on.
      losses: of all its steps, nats.
      seconds: wall time of a step, one for each round.
      cpu_seconds: CPU time of a step, all threads, one for each round.
      idle_cores: the cores that it used while others had their turn, the most of all rounds.
      other_cores: the cores that all other processes of the machine used during its turn, one for
        each round.
    """

    num_parameters: int
    software: str
    losses: list[float]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    idle_cores: float = 0.0
    other_cores: list[float] = field(default_factory=list)

    @property
    def first_losses(self) -> list[float]:
        """The losses of the first step on each batch."""
        return self.losses[:NUM_BATCHES]

    @property
    def last_losses(self) -> list[float]:
        """The losses of the last step on each batch."""
        return self.losses[-NUM_BATCHES:]

    @property
    def step_seconds(self) -> float:
        """The median wall time of a step."""
        return statistics.median(self.seconds)

    def ratios(self, other: "Turns") -> list[float]:
        """Returns how many times as fast as `other` it was in each round, at equal batches."""
        return [theirs / ours for ours, theirs in zip(self.seconds, other.seconds, strict=True)]


def _busy_seconds() -> float:
    """Returns the time that all cores have worked, or were taken by other virtual machines."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = ticks
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run_rounds(
    workers: Mapping[str, Worker], limits: Sequence[Worker], num_rounds: int, turn_seconds: float
) -> tuple[dict[str, Turns], list[dict[str, float]]]:
    """Gives each worker a turn a round.

    Args:
      workers: the contenders by name.
      limits: the workers that measure the machine, each once a round.
      num_rounds: how many.
      turn_seconds: about how long a turn of a contender takes.

    Returns:
      what each contender did, and for each of `limits` the shortest seconds of each kernel.
    """
    turns, num_steps = {}, {}
    for name, worker in workers.items():
        hello = worker.hello
        turns[name] = Turns(hello["num_parameters"], hello["software"], hello["losses"])
        trial = worker.run(NUM_BATCHES)
        turns[name].losses += trial["losses"]
        num_steps[name] = max(_MIN_STEPS, round(turn_seconds / trial["seconds"]))
    names = list(workers)
    kernels: list[dict[str, float]] = []
    for number in range(num_rounds):
        first = number % len(names)  # nobody always runs behind the same other one
        for name in names[first:] + names[:first]:
            before = {other: worker.cpu_seconds() for other, worker in workers.items()}
            busy, start = _busy_seconds(), time.monotonic()
            answer = workers[name].run(num_steps[name])
            busy, elapsed = _busy_seconds() - busy, time.monotonic() - start
            used = {other: w.cpu_seconds() - before[other] for other, w in workers.items()}
            for other in names:
                if other != name:
                    idle_cores = used[other] / elapsed
                    turns[other].idle_cores = max(turns[other].idle_cores, idle_cores)
            turns[name].other_cores.append(max(0.0, busy - used[name]) / elapsed)
            turns[name].seconds.append(answer["seconds"])
            turns[name].cpu_seconds.append(answer["cpu_seconds"])
            turns[name].losses += answer["losses"]
        kernels = [worker.run(_LIMIT_STEPS)["seconds"] for worker in limits]
    return turns, kernels
