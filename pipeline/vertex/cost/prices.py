"""Prices of machines, from the table that `machine_prices.yaml` is."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import Field, NonNegativeFloat, PositiveFloat

from components.errors import InputError
from pipeline.vertex.config import MachineConfig
from schemas.step_config import StepConfig

_FILE = Path(__file__).parent / "machine_prices.yaml"
# n1-standard-8, a2-highgpu-1g, ct5lp-hightpu-4t: a family and a size.
_MACHINE_TYPE = re.compile(r"^(?P<family>[a-z0-9]+-[a-z]+)(?:-(?P<size>[0-9]+)[gt]?)?$")


class VertexPrices(StepConfig):
    """What Vertex AI asks beside Compute Engine's prices.

    Attributes:
      management_fee: part of Compute Engine's price that comes on top of it.
      usd_per_run: of a pipeline run.
      disk_usd_per_gb_hour: of a machine's disk, before the fee.
    """

    management_fee: NonNegativeFloat
    usd_per_run: NonNegativeFloat
    disk_usd_per_gb_hour: NonNegativeFloat


class DataflowPrices(StepConfig):
    """What Dataflow asks in one region for the workers of a batch job, in US dollars."""

    usd_per_vcpu_hour: NonNegativeFloat
    usd_per_memory_gb_hour: NonNegativeFloat
    usd_per_disk_gb_hour: NonNegativeFloat
    usd_per_shuffled_gb: NonNegativeFloat


class MachineFamily(StepConfig):
    """Machines whose prices are in proportion to their sizes.

    Attributes:
      size: of the machine that has these prices: its vCPUs, GPUs or TPU chips, as in its name.
      memory_gb_per_size: memory of a machine of size 1, GB.
      usd_per_hour: region -> Compute Engine's price of that machine.
    """

    size: int = Field(ge=1)
    memory_gb_per_size: NonNegativeFloat
    usd_per_hour: dict[str, NonNegativeFloat] = Field(min_length=1)


class Prices(StepConfig):
    """The whole table.

    Attributes:
      date: when it was looked up.
      vertex: fees of Vertex AI.
      dataflow: region -> prices of workers.
      machines: family -> its prices.
      accelerators: Vertex AI's name of a GPU or TPU -> region -> price of one, US dollars an hour.
    """

    date: str
    vertex: VertexPrices
    dataflow: dict[str, DataflowPrices]
    machines: dict[str, MachineFamily]
    accelerators: dict[str, dict[str, PositiveFloat]]

    def machine_usd_per_hour(self, machine_type: str, region: str) -> float:
        """Returns Vertex AI's price of one machine without accelerators and disk, US dollars.

        Raises:
          InputError: if the table has no price of it there.
        """
        family, size = self._family(machine_type)
        price = _in_region(family.usd_per_hour, region, f"machine type {machine_type}")
        return price * size / family.size * (1 + self.vertex.management_fee)

    def machine_size(self, machine_type: str) -> int:
        """Returns the number in a machine type's name: vCPUs, of `a2` GPUs, of `ct5lp` chips."""
        return self._family(machine_type)[1]

    def job_usd_per_hour(self, machine: MachineConfig, region: str) -> float:
        """Returns Vertex AI's price of all machines of a custom job, US dollars.

        Spot machines cost less; they are priced as on demand.

        Raises:
          InputError: if the table has no price of the machine or its accelerators there.
        """
        usd = self.machine_usd_per_hour(machine.machine_type, region)
        if machine.accelerator_type is not None:
            known = self.accelerators.get(machine.accelerator_type)
            what = f"accelerator {machine.accelerator_type}"
            if known is None:
                raise _no_price(what, region, self.accelerators)
            fee = 1 + self.vertex.management_fee
            usd += _in_region(known, region, what) * machine.accelerator_count * fee
        disk_usd = self.vertex.disk_usd_per_gb_hour * (1 + self.vertex.management_fee)
        usd += machine.boot_disk_gb * disk_usd
        return usd * machine.num_workers

    def dataflow_in(self, region: str) -> DataflowPrices:
        """Returns Dataflow's prices in a region.

        Raises:
          InputError: if the table has none.
        """
        if region not in self.dataflow:
            raise _no_price("Dataflow", region, dict.fromkeys(self.dataflow))
        return self.dataflow[region]

    def worker_memory_gb(self, machine_type: str) -> float:
        """Returns the memory of a machine, GB."""
        family, size = self._family(machine_type)
        return family.memory_gb_per_size * size

    def _family(self, machine_type: str) -> tuple[MachineFamily, int]:
        match = _MACHINE_TYPE.match(machine_type)
        if match is None or match["family"] not in self.machines:
            raise _no_price(f"machine type {machine_type}", None, self.machines)
        return self.machines[match["family"]], int(match["size"] or 1)


def load_prices() -> Prices:
    """Returns the prices of `machine_prices.yaml`."""
    return Prices.model_validate(yaml.safe_load(_FILE.read_text()))


def _in_region(prices: Mapping[str, float], region: str, what: str) -> float:
    if region not in prices:
        raise _no_price(what, region, prices)
    return prices[region]


def _no_price(what: str, region: str | None, known: Mapping[str, object]) -> InputError:
    place = f" in {region}" if region else ""
    return InputError(
        f"cost: {what} has no price{place}; known: {', '.join(known)}; add the price to "
        "pipeline/vertex/cost/machine_prices.yaml"
    )
