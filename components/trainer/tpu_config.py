"""Configuration of a training on TPUs."""

from pydantic import Field

from components.trainer.optimizer_config import EmbeddingOptimizerConfig
from schemas.step_config import StepConfig


class TpuConfig(StepConfig):
    """How the tables lie on TPUs.

    Attributes:
      min_table_rows: tables with fewer rows lie on every core; larger ones are spread over all
        of them.
      pipelined_execution: whether a step looks its rows up while the step before it still computes.
        That is faster, and the rows lack the update of one step.
    """

    min_table_rows: int = Field(default=10_000, ge=1)
    pipelined_execution: bool = False

    def check_optimizer(self, optimizer: EmbeddingOptimizerConfig) -> None:
        """Refuses an embedding optimizer that TPUs do not have.

        Raises:
          ValueError: the message names the field, what was expected and what was received.
        """
        if optimizer.name not in ("sgd", "adagrad"):
            raise ValueError(
                "embedding_optimizer.name: expected sgd or adagrad, the optimizers for tables on "
                f"TPUs, received {optimizer.name}"
            )
        # A TPU divides by the square root of the sums, with nothing added.
        if optimizer.name == "adagrad" and optimizer.initial_accumulator_value == 0:
            raise ValueError(
                "embedding_optimizer.initial_accumulator_value: expected more than 0, for adagrad "
                "on TPUs, received 0"
            )
