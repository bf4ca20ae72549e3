"""A table of low rank: a narrow row for each id, times a matrix that all ids share."""

from typing import ClassVar

from components.trainer.embeddings.parts.narrow_rows import NarrowRows
from components.trainer.method_config import SizedConfig


class LowRank(NarrowRows):
    """`e(id) = U[id] V` with `U` of `rank` columns and a learned matrix `V` for each feature.

    All features have the largest rank for which they have the compression ratio together; as far
    as that leaves room, that of some (the largest that fit) is higher by one. Where two matrices
    are no smaller than one table, the feature has that table. No ratio above `embedding_dim` can be
    reached.

    Source: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language
    Representations", section 3.1 (factorized embedding parameterization); for click logs Ginart et
    al. 2019, "Mixed Dimension Embeddings with Application to Memory-Efficient Recommendation
    Systems", with equal dimensions. `U` starts as a full table does, `V` so that vectors have the
    variance of its rows.

    Parameters: `(vocabulary_size + embedding_dim) * rank`.
    """

    Config = SizedConfig
    projected: ClassVar[bool] = True
