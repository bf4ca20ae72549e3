"""The input keys of the comparing step: two for each variant.

One key a variant, and not a union of all models under one key, is what every runner can compile.
"""

from collections.abc import Iterable

EXAMPLES = "examples"
_MODEL = "model_"
_MODEL_RUN = "model_run_"


def model_key(variant: str) -> str:
    """Returns the key of a variant's Model."""
    return _MODEL + variant


def model_run_key(variant: str) -> str:
    """Returns the key of a variant's ModelRun."""
    return _MODEL_RUN + variant


def variants_of(keys: Iterable[str]) -> list[str]:
    """Returns the variants, in name order, whose keys are both present.

    The model of a variant `run_x` and the run of a variant `x` would share a key; the component
    refuses such a pair.
    """
    known = set(keys)
    runs = [key.removeprefix(_MODEL_RUN) for key in known if key.startswith(_MODEL_RUN)]
    return sorted(variant for variant in runs if model_key(variant) in known)
