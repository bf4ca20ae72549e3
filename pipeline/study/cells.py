"""A cell of a study, and the cells that are trained as one pipeline."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components.trainer.config import TrainerConfig
from pipeline.config import PipelineConfig, make_config
from pipeline.study.config import BASELINE


@dataclass(frozen=True)
class Cell:
    """What is trained once for each seed.

    Attributes:
      dataset: the dataset version.
      architecture: its name.
      variant: its name.
      method: the method's name; `"baseline"` for none.
      value: of the method; `""` for none.
      device: of `TrainerConfig.device`.
      name: of the pipeline's variant; unique in a dataset.
    """

    dataset: str
    architecture: str
    variant: str
    method: str
    value: str
    device: str
    name: str

    @property
    def id(self) -> str:
        """The name in the study."""
        return f"{self.dataset}/{self.name}"


@dataclass(frozen=True)
class Group:
    """Cells that share their rows.

    Attributes:
      name: of the dataset version, and of the method where one changes the rows.
      cells: in the study's order.
      values: of the pipeline's configuration but its variants.
      trainers: cell's name -> its trainer fields.
      machines: device -> the fields of the machines that train its cells on Vertex AI.
      baseline_variant: the cell with this variant and no method, if there is one, is what the
        others are compared with.
      source: where the values come from, for messages.
    """

    name: str
    cells: tuple[Cell, ...]
    values: Mapping[str, Any] = field(repr=False)
    trainers: Mapping[str, dict[str, Any]] = field(repr=False)
    machines: Mapping[str, dict[str, Any]] = field(repr=False)
    baseline_variant: str
    source: str

    def config(self, cells: Sequence[Cell]) -> PipelineConfig:
        """Returns the configuration of the pipeline that trains and compares some of its cells.

        Raises:
          InputError: if a field is unknown or a value not allowed; names cell and field.
        """
        values = copy.deepcopy(dict(self.values))
        values["trainer"] = {}
        values["variants"] = {cell.name: self.trainers[cell.name] for cell in cells}
        values["evaluator"]["baseline"] = self.baseline(cells).name
        values["vertex"]["trainers"] = {
            cell.name: self.machines[cell.device] for cell in cells if cell.device in self.machines
        }
        return make_config(values, f"{self.source}, dataset {self.name}")

    def baseline(self, cells: Sequence[Cell]) -> Cell:
        """Returns the cell that others are compared with: the first one that is most like it."""

        def distance(cell: Cell) -> tuple[bool, bool]:
            return cell.method != BASELINE, cell.variant != self.baseline_variant

        return min(cells, key=distance)

    @cached_property
    def cells_config(self) -> PipelineConfig:
        """The configuration with all cells."""
        return self.config(self.cells)

    @cached_property
    def trainer_configs(self) -> dict[str, TrainerConfig]:
        """Cell's name -> the configuration of its first trainer."""
        return self.cells_config.trainers()
