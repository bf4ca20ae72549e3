"""What trackers are told of a training or a cell: its hyperparameters and its numbers."""

from pipeline.study.outcome.study import Cell, Run

_TEXT = ("dataset", "architecture", "variant", "method", "value", "device")
_NUMBERS = ("batch_size", "dense_learning_rate", "embedding_learning_rate", "epochs")
_COSTS = ("embedding_bytes", "num_parameters", "train_seconds", "train_examples_per_second")


def hyperparameters(run: Run) -> dict[str, str | float]:
    """Returns what was chosen for a training; what is not known is left out."""
    text: dict[str, str | float] = {name: getattr(run, name) for name in _TEXT}
    numbers = {name: getattr(run, name) for name in _NUMBERS}
    return text | {name: float(value) for name, value in numbers.items() if value is not None}


def costs(run: Run) -> dict[str, float]:
    """Returns bytes, parameters and times of a training; what is not known is left out."""
    found = {name: getattr(run, name) for name in _COSTS}
    return {name: float(value) for name, value in found.items() if value is not None}


def final_numbers(cell: Cell) -> dict[str, float]:
    """Returns `final_<metric>` with its ends, and its difference to the baseline with its ends."""
    numbers = {}
    for suffix, intervals in (("", cell.metrics), ("_difference", cell.differences)):
        for metric, interval in intervals.items():
            name = f"final_{metric}{suffix}"
            numbers[name] = interval.value
            if abs(interval.low) < float("inf"):
                numbers |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return numbers
