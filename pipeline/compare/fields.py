"""What made a model, as flat fields: the configuration and code of all steps, and the data."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from components.features import Features
from pipeline.compare.changes import flatten
from pipeline.compare.chosen import ChosenModel
from pipeline.lineage.records import Artifact
from pipeline.lineage.steps import step_config, step_document

_TRAINER = "Trainer"
_CLICK_LOG = "click_log"
_SUMMARY_FILE = "summary.json"
_SPAN = "span"
_FINGERPRINT = "input_fingerprint"
_LAST_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def config_fields(chosen: ChosenModel, trained_with: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that a run was configured with, by the names that `--set` takes.

    Args:
      chosen: the run.
      trained_with: the configuration in `training.json` of the chosen variant, in which the
        tuner's findings are. The other variants' count by name only.
    """
    fields: dict[str, Any] = {
        "chosen_variant": chosen.variant,
        "seeds": chosen.num_replicas[chosen.variant],
        "variants": sorted(chosen.num_replicas),
    }
    fields |= flatten({k: v for k, v in trained_with.items() if k != "variant"}, "trainer")
    for node, step in chosen.steps.items():
        if not _is_trainer(node):
            fields |= flatten(step_config(step), _section(node))
    example_gen = chosen.example_gen
    layout = example_gen.properties.get(_CLICK_LOG) if example_gen else None
    return fields | flatten(layout if isinstance(layout, dict) else {}, _CLICK_LOG)


def code_fields(chosen: ChosenModel, with_trainer: bool) -> dict[str, Any]:
    """Returns step -> the version of its code.

    Args:
      chosen: the run.
      with_trainer: whether the chosen variant's trainer is among them, as `Trainer`. Its version
        covers the code of its method: those of two methods differ whether or not code changed.
    """
    own = {f"{_TRAINER}_{chosen.variant}"} if with_trainer else set()
    versions = {
        _TRAINER if node in own else node: step_document(step)["code_version"]
        for node, step in chosen.steps.items()
        if node in own or not _is_trainer(node)
    }
    return {node: version for node, version in versions.items() if version is not None}


def _is_trainer(node: str) -> bool:
    return node.startswith(f"{_TRAINER}_")


def _section(node: str) -> str:
    """Returns the section of the configuration that a step has: `ExampleGen` -> `example_gen`."""
    return _LAST_WORD.sub("_", node).lower()


class RunData(NamedTuple):
    """What a run read.

    Attributes:
      files: path -> number of lines; None where they are not known.
      fingerprint: of the files; None where it is not known.
      split: how rows were divided into train and eval, and the layout that they were read by.
      fields: all that can change from day to day, flat.
    """

    files: dict[str, int] | None
    fingerprint: str | None
    split: dict[str, Any]
    fields: dict[str, Any]


def run_data(chosen: ChosenModel, features: Features) -> RunData:
    """Returns what a run read.

    Args:
      chosen: the run.
      features: what its transform graph takes and gives.
    """
    step = chosen.example_gen
    summary = _read_summary(chosen.quarantine)
    files = summary.get("files")
    properties = step.properties if step else {}
    fields: dict[str, Any] = {
        "fingerprint": chosen.examples.properties.get(_FINGERPRINT),
        "span": chosen.examples.properties.get(_SPAN),
        "pattern": f"{properties.get('input_base', '')}{properties.get('pattern', '')}" or None,
    }
    for split, num_rows in summary.get("num_rows", {}).items():
        fields[f"num_rows.{split}"] = num_rows
        if num_rows:
            fields[f"click_rate.{split}"] = summary["num_clicks"][split] / num_rows
    fields |= {f"files.{path}": num_lines for path, num_lines in (files or {}).items()}
    fields |= {f"vocabulary_size.{n}": size for n, size in features.vocabulary_sizes.items()}
    config = step_config(step) if step else {}
    return RunData(
        files=files,
        fingerprint=fields["fingerprint"],
        split={"split": config.get("split"), "click_log": properties.get(_CLICK_LOG)},
        fields=fields,
    )


def _read_summary(quarantine: Artifact | None) -> dict[str, Any]:
    """Returns the counts beside the quarantine; nothing if they are gone."""
    path = os.path.join(quarantine.uri, _SUMMARY_FILE) if quarantine else ""
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path) as file:
        summary: dict[str, Any] = json.load(file)
    return summary
