"""One row for each id: the exact table, the baseline of every comparison."""

import numpy as np

from components.trainer.embeddings.base import Embedding
from components.trainer.method_config import MethodConfig


class Full(Embedding):
    """`e(id) = W[id]`.

    Source: Naumov et al. 2019, "Deep Learning Recommendation Model for Personalization and
    Recommendation Systems", section 2.1.1.

    Parameters: `vocabulary_size * embedding_dim`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MethodConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self.add_table(vocabulary_size, embedding_dim)
