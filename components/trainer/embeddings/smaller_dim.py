"""A narrower row for each id, filled up with zeros: the control of all that narrows tables."""

from typing import ClassVar

from components.trainer.embeddings.parts.narrow_rows import NarrowRows
from components.trainer.method_config import SizedConfig


class SmallerDim(NarrowRows):
    """`e(id) = [W[id] ; 0]` with rows of `embedding_dim / compression_ratio` weights, at least 1.

    In all dot products the zeros are as if they were not there: this is a DLRM whose
    `embedding_dim` is smaller for these features. A method that also keeps something for each id
    (a low rank, mixed dimensions, few bits) must beat it, else a smaller `embedding_dim` does what
    the method does, at no cost.

    The width is rounded down; as far as that leaves room, rows of some features (the largest that
    fit) are wider by one. No ratio above `embedding_dim` can be reached.

    Source: the uniform dimension that Ginart et al. 2019, "Mixed Dimension Embeddings with
    Application to Memory-Efficient Recommendation Systems", compare with. Rows start as a full
    table's do.

    Parameters: `vocabulary_size * width`.
    """

    Config = SizedConfig
    projected: ClassVar[bool] = False
