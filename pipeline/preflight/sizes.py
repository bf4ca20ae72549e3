"""How many ids the features have: from a run of the pipeline, from a file, or the demo's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.features import read_features
from pipeline.lineage.store import read_snapshot
from pipeline.paths import RunPaths
from pipeline.preflight.default_sizes import DENSE_WIDTH, VOCABULARY_SIZES

_TRANSFORM_GRAPH = "TransformGraph"
_DENSE_WIDTH = "dense_width"


@dataclass(frozen=True)
class ModelSizes:
    """What a network's shapes depend on besides its configuration.

    Attributes:
      source: where it comes from, for people.
      vocabulary_sizes: categorical feature -> its number of ids.
      dense_width: the width of the dense features; 0 where there are none.
    """

    source: str
    vocabulary_sizes: dict[str, int]
    dense_width: int

    @property
    def total_rows(self) -> int:
        """The ids of all features."""
        return sum(self.vocabulary_sizes.values())


def find_sizes(root: Path | None, file: Path | None, default_root: Path) -> ModelSizes:
    """Returns the sizes that were asked for.

    Args:
      root: the root folder of a run; None if none was named.
      file: a JSON file of sizes; None if none was named.
      default_root: where a run is looked for if neither is; without one the demo's sizes stand in.

    Raises:
      InputError: if what was named is missing or wrong.
    """
    if file is not None:
        return sizes_of_file(file)
    if root is not None:
        return sizes_of_run(root)
    if RunPaths(default_root).metadata_path.is_file():
        return sizes_of_run(default_root)
    return ModelSizes("the demo's sizes", dict(VOCABULARY_SIZES), DENSE_WIDTH)


def sizes_of_run(root: Path) -> ModelSizes:
    """Returns the sizes of the newest transform graph of a run.

    Raises:
      InputError: if there is no run, or no transform graph in it.
    """
    artifacts = read_snapshot(root).artifacts.values()
    graphs = [a for a in artifacts if a.type == _TRANSFORM_GRAPH and a.state == "live"]
    if not graphs:
        raise InputError(f"--root {root}: expected a run with a finished Transform, received none")
    newest = max(graphs, key=lambda artifact: artifact.id)
    try:
        features = read_features(newest.uri)
    except Exception as error:
        raise InputError(f"--root {root}: cannot read {newest.uri}: {error}") from error
    return ModelSizes(str(root), features.vocabulary_sizes, features.dense_width)


def sizes_of_file(file: Path) -> ModelSizes:
    """Reads sizes such as `{"C1": 1000, "C2": 20, "dense_width": 13}`.

    Raises:
      InputError: if the file is missing or is not of this form; names file and field.
    """
    name = f"--vocabulary-sizes {file}"
    try:
        values: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: expected a JSON file, received {error}") from error
    if not isinstance(values, dict) or len(values.keys() - {_DENSE_WIDTH}) == 0:
        raise InputError(f'{name}: expected {{"C1": 1000, ..., "{_DENSE_WIDTH}": 13}}')
    for field, value in values.items():
        lowest = 0 if field == _DENSE_WIDTH else 1
        if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
            raise InputError(
                f"{name}: {field}: expected an integer of {lowest} or more, received {value!r}"
            )
    sizes = {field: value for field, value in values.items() if field != _DENSE_WIDTH}
    return ModelSizes(str(file), sizes, values.get(_DENSE_WIDTH, 0))
