"""Hash functions in exact Python integers."""

from components.trainer.embeddings.parts.universal_hash import UniversalHash


def slow_hash(function: UniversalHash, vocabulary_id: int) -> int:
    """Carter & Wegman 1979, class H1, one id."""
    return (
        (function.multiplier * vocabulary_id + function.offset)
        % (2**31 - 1)
        % (function.num_buckets)
    )
