"""Wide rows for features with few ids, narrow ones for those with many."""

from typing import ClassVar

from pydantic import Field

from components.trainer.embeddings.parts.narrow_rows import NarrowRows
from components.trainer.embeddings.parts.widths import Width, possible_widths
from components.trainer.method_config import SizedConfig


class MixedDimensionConfig(SizedConfig):
    """Options of `MixedDimension`.

    Attributes:
      alpha: the temperature: 0 gives all features one dimension, 1 gives all tables one size.
      round_to_power_of_two: whether dimensions are powers of two, as in the authors' code. Fewer
        ratios can then be met.
    """

    alpha: float = Field(default=0.3, ge=0, le=1, allow_inf_nan=False)
    round_to_power_of_two: bool = False


class MixedDimension(NarrowRows):
    """`e_f(id) = W_f[id] P_f` with rows of `d_f` weights, `d_f = lambda * n_f^-alpha`.

    `n_f` is the feature's number of ids: an id of a feature with many is rare, and rare ids need
    fewer weights. `d_f` is rounded, 1 or more and at most `embedding_dim`; where a table of that
    many columns with its projection `P_f` is no smaller than a full one, the feature has a full one
    and no projection. `lambda` is the largest for which all features of the method have the
    compression ratio together. The room that rounding leaves goes to those features whose turn
    comes next and whose next dimension fits. No ratio above `embedding_dim` can be reached.

    Source: Ginart et al. 2019, "Mixed Dimension Embeddings with Application to Memory-Efficient
    Recommendation Systems", section 3 (blocks with projections, popularity-based dimensions), with
    features as the blocks; as in facebookresearch/dlrm but for the projections' weights, which
    count into the size here. Tables start as full ones do, projections so that vectors have the
    variance of their rows.

    Parameters: `(n_f + embedding_dim) * d_f`, or `n_f * embedding_dim` without a projection.
    """

    Config = MixedDimensionConfig
    projected: ClassVar[bool] = True

    @classmethod
    def possible_widths(
        cls, vocabulary_size: int, embedding_dim: int, config: SizedConfig
    ) -> list[Width]:
        """Returns the dimensions that a feature can have, each with the `lambda` that leads to it.

        (`lambda` is counted in units of `embedding_dim`, so that it suits features of several.)
        """
        assert isinstance(config, MixedDimensionConfig)
        return possible_widths(
            vocabulary_size, embedding_dim, True, config.alpha, config.round_to_power_of_two
        )
