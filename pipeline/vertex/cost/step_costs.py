"""What each step of a run on Vertex AI would cost."""

import math
from dataclasses import dataclass

from components.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.step_ids import trainer_id
from pipeline.vertex.config import DataflowConfig, MachineConfig
from pipeline.vertex.cost.durations import (
    BEAM_STEPS,
    BYTES_PER_ROW,
    START_HOURS,
    Range,
    beam_core_seconds,
    own_hours,
    training_hours,
    tuning_hours,
)
from pipeline.vertex.cost.prices import Prices

TASK_FAMILY = "e2-standard"
TRAINERS = "Trainer"
_START = Range(*START_HOURS)
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class StepCost:
    """One step's part.

    Attributes:
      step: its id.
      machines: what it runs on.
      hours: how long.
      usd: what all of its machines cost together.
    """

    step: str
    machines: str
    hours: Range
    usd: Range


@dataclass(frozen=True)
class Known:
    """What the costs of the steps follow from.

    Attributes:
      config: of the run.
      prices: of machines.
      region: where.
      rows: of the raw log.
      hours: step id, or `Trainer` for all trainers -> how long its machines work.
    """

    config: PipelineConfig
    prices: Prices
    region: str
    rows: int
    hours: dict[str, float]

    def given(self, step: str) -> Range | None:
        """Returns what the caller says of a step; None if nothing."""
        family = TRAINERS if step.startswith(TRAINERS) else step
        hours = self.hours.get(step, self.hours.get(family))
        return None if hours is None else Range(hours, hours)

    def task_usd(self, step: str) -> tuple[str, int, float]:
        """Returns the machine of a step's container, its vCPUs and its US dollars an hour."""
        task = self.config.vertex.task_of(step)
        family = self.prices.machines[TASK_FAMILY]
        gigabytes = task.memory / 2**30
        vcpus = max(task.cpu_cores, math.ceil(gigabytes / family.memory_gb_per_size))
        machine = f"{TASK_FAMILY}-{vcpus}"
        return machine, vcpus, self.prices.machine_usd_per_hour(machine, self.region)


def step_costs(known: Known) -> list[StepCost]:
    """Returns the cost of every step, in the order of the pipeline.

    Raises:
      InputError: if a price is not in the table, or `hours` names no step.
    """
    config = known.config
    trainers = {
        trainer_id(name, index): (name, trainer)
        for name, trainer in config.trainers().items()
        for index in range(config.seeds)
    }
    before = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"]
    if config.preflight_config() is not None:
        before.append("Preflight")
    tuner = ["Tuner"] if config.tuner else []
    after = ["Evaluator", "Pusher"]
    unknown = set(known.hours) - {*before, *tuner, *trainers, TRAINERS, *after}
    if unknown:
        raise InputError(
            f"cost: --hours {sorted(unknown)[0]}: no such step; known: "
            f"{', '.join([*before, *tuner, TRAINERS, *trainers, *after])}"
        )
    costs = [_step(known, step) for step in before]
    if config.tuner:
        costs.append(_tuner(known))
    for step, (name, trainer) in trainers.items():
        machine = config.vertex.machine_of(name)
        work = known.given(step)
        if work is None and machine.device != "cpu":
            work = Range(0, machine.timeout_hours)
        elif work is None:
            vcpus = known.prices.machine_size(machine.machine_type) * machine.num_workers
            work = training_hours(config, trainer, known.rows, vcpus)
            work = Range(*(min(end, machine.timeout_hours) for end in (work.low, work.high)))
        costs.append(_job(known, step, machine, work))
    return costs + [_step(known, step) for step in after]


def _step(known: Known, step: str) -> StepCost:
    """A step in its own container, on Dataflow if it is one of Beam's and there is Dataflow."""
    machine, vcpus, usd_per_hour = known.task_usd(step)
    dataflow = known.config.vertex.dataflow
    given = known.given(step)
    if dataflow is not None and step in BEAM_STEPS:
        return _on_dataflow(known, step, dataflow)
    work = given or own_hours(step, known.config, known.rows, vcpus)
    hours = _START + work
    return StepCost(step, machine, hours, hours.times(usd_per_hour))


def _on_dataflow(known: Known, step: str, dataflow: DataflowConfig) -> StepCost:
    machine, _, usd_per_hour = known.task_usd(step)
    prices = known.prices.dataflow_in(known.region)
    vcpus = known.prices.machine_size(dataflow.machine_type)
    memory = known.prices.worker_memory_gb(dataflow.machine_type)
    worker = (
        vcpus * prices.usd_per_vcpu_hour
        + memory * prices.usd_per_memory_gb_hour
        + dataflow.disk_size_gb * prices.usd_per_disk_gb_hour
    )
    work = beam_core_seconds(step, known.config, known.rows)
    worker_hours = Range(work.low, 2 * work.high).times(1 / vcpus / _SECONDS_PER_HOUR)
    given = known.given(step)
    if given:
        worker_hours = Range(given.low, given.high * dataflow.max_num_workers)
        hours = given
    else:
        hours = Range(worker_hours.low / dataflow.max_num_workers, worker_hours.high)
    worker_hours += Range(_START.low, _START.high * dataflow.max_num_workers)
    gigabytes = known.rows * BYTES_PER_ROW / 1e9
    usd = worker_hours.times(worker) + Range(0, gigabytes * prices.usd_per_shuffled_gb)
    # The container starts, then waits for the workers, which start as well.
    hours = _START.times(2) + hours
    usd += hours.times(usd_per_hour)
    machines = f"{machine} + Dataflow {dataflow.machine_type} x 1-{dataflow.max_num_workers}"
    return StepCost(step, machines, hours, usd)


def _job(known: Known, step: str, machine: MachineConfig, work: Range) -> StepCost:
    """A custom job, and the step's container that waits for it."""
    container, _, usd_per_hour = known.task_usd(step)
    job_hours = _START + work
    hours = _START + job_hours
    usd = job_hours.times(known.prices.job_usd_per_hour(machine, known.region))
    usd += hours.times(usd_per_hour)
    name = machine.machine_type
    if machine.accelerator_type is not None:
        name += f" + {machine.accelerator_count} {machine.accelerator_type}"
    if machine.tpu_topology is not None:
        name += f" {machine.tpu_topology}"
    if machine.num_workers > 1:
        name += f" x {machine.num_workers}"
    return StepCost(step, f"{container} + {name}", hours, usd)


def _tuner(known: Known) -> StepCost:
    machine = known.config.vertex.tuner
    work = known.given("Tuner")
    if machine is None:
        container, vcpus, usd_per_hour = known.task_usd("Tuner")
        hours = _START + (work or tuning_hours(known.config, known.rows, vcpus))
        return StepCost("Tuner", container, hours, hours.times(usd_per_hour))
    if work is None and machine.device != "cpu":
        work = Range(0, machine.timeout_hours)
    elif work is None:
        vcpus = known.prices.machine_size(machine.machine_type)
        alone = tuning_hours(known.config, known.rows, vcpus)
        # Trials run side by side at best, one after another at worst.
        work = Range(alone.low / machine.num_workers, alone.high)
        work = Range(*(min(end, machine.timeout_hours) for end in (work.low, work.high)))
    return _job(known, "Tuner", machine, work)
