"""Configuration of the values that a network starts with."""

from typing import Literal

from pydantic import Field

from schemas.step_config import StepConfig


class InitializationConfig(StepConfig):
    """What tables and MLPs start with; the default is that of facebookresearch/dlrm.

    A method that gives a table values of its own keeps those of all its tables: `tensor_train`,
    `clustered_compositional`, `multi_hash`, and `quotient_remainder` where it multiplies; so do the
    weights of the wide part, which start at 0. The first threshold of `pep` is a share of what
    `"uniform_rows"` gives, whatever the tables start with. What methods learn beside tables stays,
    too, and so do biases, projections and cross layers.

    Attributes:
      tables: `"uniform_rows"` is uniform within 1 / sqrt(number of the feature's ids),
        `"uniform_dim"` within 1 / sqrt(`embedding_dim`), `"normal"` has the standard deviation
        1 / sqrt(`embedding_dim`).
      scale: what that is multiplied by.
      mlps: of the weights of bottom and top MLP: normal with the variance 2 / (inputs + outputs),
        or uniform with it (Glorot & Bengio 2010, section 4.2.1); with 2 / inputs (He et al. 2015,
        "Delving Deep into Rectifiers", section 2.2).
    """

    tables: Literal["uniform_rows", "uniform_dim", "normal"] = "uniform_rows"
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    mlps: Literal["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"] = "glorot_normal"
