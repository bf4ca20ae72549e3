"""The time of the steps of a training, apart from what is done between them."""

import time

from pydantic import BaseModel, PrivateAttr


class Stopwatch(BaseModel):
    """Sums laps; it goes on where it was when it is read back from JSON.

    Attributes:
      seconds: wall time of all laps.
      rated_seconds: wall time of the laps that count for the rate.
      rated_examples: rows of those laps.
    """

    seconds: float = 0.0
    rated_seconds: float = 0.0
    rated_examples: int = 0
    _first_examples: int = PrivateAttr(default=0)
    _start_seconds: float = PrivateAttr(default_factory=time.monotonic)

    @property
    def has_lap(self) -> bool:
        """Whether a lap has ended in this process."""
        return self._first_examples > 0

    def start(self) -> None:
        """Starts a lap: the time since the last lap belongs to nothing."""
        self._start_seconds = time.monotonic()

    def stop(self, num_examples: int) -> None:
        """Ends a lap and starts the next one.

        The first lap of a process counts for the rate only while there is no other: its step
        prepares the graph.

        Args:
          num_examples: rows of the steps of the lap.
        """
        now = time.monotonic()
        lap_seconds = now - self._start_seconds
        self._start_seconds = now
        self.seconds += lap_seconds
        if not self.has_lap:
            self._first_examples = num_examples
        else:
            self.rated_seconds += lap_seconds
            self.rated_examples += num_examples

    def examples_per_second(self) -> float:
        """Returns the rate after the first lap; with one lap, the rate of that; before it, 0."""
        if self.rated_examples:
            return self.rated_examples / self.rated_seconds
        return self._first_examples / self.seconds if self.seconds else 0.0
