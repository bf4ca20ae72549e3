"""What a run on Vertex AI would cost: a range, a line a step, and what it assumes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.vertex.cost.durations import BYTES_PER_ROW, START_HOURS, Range
from pipeline.vertex.cost.prices import load_prices
from pipeline.vertex.cost.step_costs import (
    TASK_FAMILY,
    TRAINERS,
    Known,
    StepCost,
    step_costs,
)


@dataclass(frozen=True)
class Estimate:
    """What a run would cost.

    Attributes:
      region: where.
      rows: of the raw log.
      steps: one after another.
      usd_per_run: what Vertex AI asks for the run itself.
      assumptions: sentences.
      prices_date: when the prices were looked up.
    """

    region: str
    rows: int
    steps: tuple[StepCost, ...]
    usd_per_run: float
    assumptions: tuple[str, ...]
    prices_date: str

    @property
    def usd(self) -> Range:
        """The whole run, US dollars."""
        total = Range(self.usd_per_run, self.usd_per_run)
        for step in self.steps:
            total += step.usd
        return total

    @property
    def total_usd(self) -> float:
        """The high end of the range: what a limit is compared with, US dollars."""
        return self.usd.high


def estimate(
    config: PipelineConfig,
    site_region: str,
    data_bytes: int | None,
    rows: int | None,
    hours: Mapping[str, float] | None = None,
) -> Estimate:
    """Estimates a run in which no step is taken from the cache.

    Args:
      config: of the run.
      site_region: such as `us-central1`.
      data_bytes: size of the raw log, uncompressed; None if it is unknown.
      rows: of the raw log; None counts them from `data_bytes`.
      hours: step id, or `Trainer` for all trainers -> how long its machines work, in place of the
        model of `durations`.

    Raises:
      InputError: if the size of the log is unknown, a price is not in the table, or `hours` names
        no step or is no length of time.
    """
    for step, length in (hours or {}).items():
        if not 0 <= length < math.inf:
            raise InputError(f"cost: --hours {step}: expected hours, received {length}")
    prices = load_prices()
    if rows is None:
        if data_bytes is None:
            raise InputError(
                "cost: expected the number of rows or a log whose size can be read; received "
                "neither: give --rows"
            )
        rows = math.ceil(data_bytes / BYTES_PER_ROW)
    known = Known(config, prices, site_region, rows, dict(hours or {}))
    steps = tuple(step_costs(known))
    return Estimate(
        region=site_region,
        rows=rows,
        steps=steps,
        usd_per_run=prices.vertex.usd_per_run,
        assumptions=tuple(_assumptions(known)),
        prices_date=prices.date,
    )


def render(estimate: Estimate) -> str:
    """Returns the estimate as text: a table, the sum, what it assumes."""
    rows = [("step", "machines", "hours", "US dollars")]
    rows += [(s.step, s.machines, _hours(s.hours), _usd(s.usd)) for s in estimate.steps]
    run = Range(estimate.usd_per_run, estimate.usd_per_run)
    rows += [("pipeline run", "", "", _usd(run)), ("sum", "", "", _usd(estimate.usd))]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row in rows:
        left = "  ".join(text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True))
        right = "  ".join(text.rjust(w) for text, w in zip(row[2:], widths[2:], strict=True))
        lines.append(f"  {left}  {right}")
    lines.insert(1, "  " + "  ".join("-" * width for width in widths))
    lines += ["", f"Estimated for {estimate.rows:,} rows in {estimate.region}, assuming that"]
    lines += [f"- {sentence}" for sentence in estimate.assumptions]
    return "\n".join(lines)


def _assumptions(known: Known) -> list[str]:
    config, vertex = known.config, known.config.vertex
    low, high = (round(60 * hours) for hours in START_HOURS)
    sentences = [
        f"prices are list prices looked up by {known.prices.date}, without discounts; spot "
        "machines are priced as the others",
        "no step is taken from the cache",
        f"a row has {BYTES_PER_ROW} bytes where rows were counted from the size of the log, which "
        "is not compressed",
        f"each machine needs {low} to {high} minutes before it works (not measured)",
        "speeds are those of docs/performance.md on 2 cores: at the low end all vCPUs are used as "
        "well as those, at the high end no more than 4, and training is 3 times slower",
        f"containers of steps run on {TASK_FAMILY} and cost as much as custom training",
        "storage, network traffic, building the image and logs are not in it",
    ]
    machines = [vertex.machine_of(name) for name in config.variants]
    if any(machine.device != "cpu" for machine in machines):
        sentences.append(
            "no speed was measured on GPUs and TPUs: their jobs take between nothing and their "
            f"timeout_hours; give --hours {TRAINERS}=HOURS if you know better"
        )
    if vertex.endpoint is not None:
        endpoint = vertex.endpoint
        price = known.prices.machine_usd_per_hour(endpoint.machine_type, known.region)
        usd = price * endpoint.min_replica_count
        sentences.append(f"the endpoint is not in it: {usd:.2f} US dollars an hour while it stands")
    return sentences


def _hours(hours: Range) -> str:
    return f"{hours.low:.2f} - {hours.high:.2f}"


def _usd(usd: Range) -> str:
    if usd.low == usd.high:
        return f"{usd.low:.2f}"
    return f"{usd.low:.2f} - {usd.high:.2f}"
