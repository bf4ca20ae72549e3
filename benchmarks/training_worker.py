"""Workers of `benchmarks.training`: processes that wait idle until they are told to run steps.

NumPy alone, so that a worker in another environment can import it. The driver writes numbers of
steps into the worker's standard input; the worker answers with lines of JSON through a pipe of
their own, because libraries print.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.training_problem import NUM_BATCHES, Batch, Problem, read_problem

_CLOSE_SECONDS = 10


class NotOfferedError(Exception):
    """A contender does not have what was asked of it; the message says what."""


@dataclass(frozen=True)
class Settings:
    """How a contender trains.

    Attributes:
      optimizer: `"sgd"`, `"adagrad"` or `"rowwise_adagrad"`, for tables and MLPs alike.
      precision: `"float32"`, or `"bfloat16"` for the products with float32 weights.
      learning_rate: of all weights, constant.
      initial_accumulator_value: where Adagrad's sums of squared gradients start. At 0, the first
        steps would be the signs of the gradients, and rounding would decide many of them.
      threads: to compute with.
    """

    optimizer: str
    precision: str
    learning_rate: float
    initial_accumulator_value: float
    threads: int


@dataclass(frozen=True)
class Contender:
    """A train step.

    Attributes:
      prepare: makes the step's argument of a batch; not timed.
      step: updates the weights; returns the mean loss of the batch before that, in nats, as
        anything that float() takes.
      num_parameters: the trained values.
      software: what it runs on, with version.
    """

    prepare: Callable[[Batch], Any]
    step: Callable[[Any], Any]
    num_parameters: int
    software: str


Run = Callable[[int], dict[str, Any]]


def serve_contender(make: Callable[[Problem, Settings], Contender]) -> None:
    """Serves a contender: warms up with a step on each batch, then runs as many as it is told."""

    def start(problem: Problem, settings: Settings) -> tuple[dict[str, Any], Run]:
        contender = make(problem, settings)
        batches = [contender.prepare(batch) for batch in problem.batches]
        num_done = 0

        def run(num_steps: int) -> dict[str, Any]:
            nonlocal num_done
            cpu_start, start = time.process_time(), time.perf_counter()
            losses = []
            for index in range(num_done, num_done + num_steps):
                losses.append(contender.step(batches[index % NUM_BATCHES]))
            losses = [float(loss) for loss in losses]
            seconds = time.perf_counter() - start
            num_done += num_steps
            return {
                "seconds": seconds / num_steps,
                "cpu_seconds": (time.process_time() - cpu_start) / num_steps,
                "losses": losses,
            }

        losses = run(NUM_BATCHES)["losses"]
        hello = {"num_parameters": contender.num_parameters, "software": contender.software}
        return {**hello, "losses": losses}, run

    serve(start)


def serve(start: Callable[[Problem, Settings], tuple[dict[str, Any], Run]]) -> None:
    """Answers the driver: first what `start` says, then what the function that it gives says."""
    folder, settings, descriptor = sys.argv[1:4]
    answers = os.fdopen(int(descriptor), "w")
    try:
        hello, run = start(read_problem(Path(folder)), Settings(**json.loads(settings)))
    except NotOfferedError as error:
        print(json.dumps({"not_offered": str(error)}), file=answers, flush=True)
        return
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(int(line))), file=answers, flush=True)


class Worker:
    """The driver's side of a worker.

    Attributes:
      hello: what it said when it was ready.
    """

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        settings: Settings,
    ) -> None:
        """Starts the process and waits until it is ready.

        Raises:
          NotOfferedError: if the contender cannot do this.
          SystemExit: if the process fails.
        """
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        reader, writer = os.pipe()
        self._command = [*command, str(folder), json.dumps(asdict(settings)), str(writer)]
        self._process = subprocess.Popen(
            self._command,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=self._errors,
            stderr=self._errors,
            pass_fds=[writer],
            text=True,
        )
        os.close(writer)
        self._answers = os.fdopen(reader)
        self.hello = self._answer()
        if "not_offered" in self.hello:
            self.close()
            raise NotOfferedError(self.hello["not_offered"])

    def run(self, num_steps: int) -> dict[str, Any]:
        """Has the worker run steps, and returns what it says of them."""
        assert self._process.stdin is not None
        print(num_steps, file=self._process.stdin, flush=True)
        return self._answer()

    def cpu_seconds(self) -> float:
        """Returns the CPU time that the process has taken, to 10 ms."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = status.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise SystemExit(f"{' '.join(self._command)} failed:\n{self._errors.read()[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer
