"""The configuration and the code version that a step's execution carries."""

from typing import Any

from pipeline.lineage.records import Execution
from pipeline.lineage.views import iso_time


def step_config(execution: Execution) -> dict[str, Any]:
    """Returns the step's configuration, empty for TFX's own steps."""
    config = _settings(execution).get("config")
    return config if isinstance(config, dict) else {}


def step_document(execution: Execution) -> dict[str, Any]:
    """Returns when and in which run a step ran, with its configuration and code version."""
    return {
        "node": execution.node,
        "execution": execution.id,
        "run": execution.run_id,
        "started": iso_time(execution.started_ms),
        "finished": iso_time(execution.updated_ms),
        "code_version": _settings(execution).get("code_version"),
        "config": step_config(execution) or None,
    }


def _settings(execution: Execution) -> dict[str, Any]:
    """Returns the properties that hold `config` and `code_version`.

    Our steps carry them directly, TFX's Trainer inside its `custom_config`.
    """
    custom = execution.properties.get("custom_config")
    return {**(custom if isinstance(custom, dict) else {}), **execution.properties}
