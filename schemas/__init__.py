"""What the data looks like: the only place that spells feature names and artifact types."""

from typing import Any

_ARTIFACT_TYPES = ("Comparison", "Predictions", "Preflight", "Quarantine")


def __getattr__(name: str) -> Any:
    """Finds artifact types on first use, since importing TFX takes seconds.

    The runner of Vertex AI looks a type up by its TYPE_NAME, `schemas.Comparison`.
    """
    if name in _ARTIFACT_TYPES:
        from schemas import artifacts

        return getattr(artifacts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
