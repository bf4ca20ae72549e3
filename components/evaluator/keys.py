"""The names of a variant's replicas, and the keys of their artifacts in the comparing step.

A replica is a variant trained with one of its seeds. One input key a replica, and not a union of
all models under one key, is what every runner can compile. A variant's name starts with a letter,
so the number before it tells the keys of a variant `run_x` and of a variant `x` apart.
"""

import re
from collections.abc import Iterable

EXAMPLES = "examples"
TRANSFORMED_EXAMPLES = "transformed_examples"
TRANSFORM_GRAPH = "transform_graph"
PREFLIGHT = "preflight"
_MODEL = "model"
_MODEL_RUN = "model_run"
_BLESSING = "blessing"
_MODEL_KEY = re.compile(rf"{_MODEL}_([0-9]+)_([a-z].*)")


def replica_name(variant: str, index: int) -> str:
    """Returns the name of a variant's replica: the first one has the variant's own."""
    return f"{variant}:{index}" if index else variant


def model_key(variant: str, index: int) -> str:
    """Returns the key of a replica's Model."""
    return f"{_MODEL}_{index}_{variant}"


def model_run_key(variant: str, index: int) -> str:
    """Returns the key of a replica's ModelRun."""
    return f"{_MODEL_RUN}_{index}_{variant}"


def blessing_key(variant: str) -> str:
    """Returns the key of a variant's ModelBlessing."""
    return f"{_BLESSING}_{variant}"


def replicas_of(keys: Iterable[str]) -> dict[str, int]:
    """Returns variant -> its number of replicas, in name order, from the keys of their models."""
    found = [match.group(2) for match in map(_MODEL_KEY.fullmatch, keys) if match]
    return {variant: found.count(variant) for variant in sorted(set(found))}
