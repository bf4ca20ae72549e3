"""From TensorFlow's name of an operation to the layer and the source line that made it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

_ROOT = Path(__file__).resolve().parents[3]
_OURS = f"{_ROOT / 'components'}/"
_THIS = f"{Path(__file__).resolve().parent}/"
_GRADIENT = "gradient_tape/"
_KERAS_LAYER = "engine/base_layer.py"


class OpPlace(NamedTuple):
    """Where an operation comes from.

    Attributes:
      layer: the name of one of Keras's layers, or else our `module.function`.
      file: `path:line`, from the root of this project.
    """

    layer: str
    file: str


NOWHERE = OpPlace("", "")


def find_places(graph: tf.Graph) -> dict[str, OpPlace]:
    """Returns the places of a graph's operations, by their names.

    An operation of a backward pass gets the place of the forward one, where its name tells which.
    """
    operations = {operation.name: operation for operation in graph.get_operations()}
    places = {name: _place(operation) for name, operation in operations.items()}
    for name in operations:
        if _GRADIENT in name:
            forward = _forward(name, places)
            places[name] = places[forward] if forward else places[name]
    return {name: place for name, place in places.items() if place.file}


def _forward(name: str, known: Mapping[str, OpPlace]) -> str | None:
    """Names of operations outside of every scope are numbered, so they tell nothing."""
    parts = name.replace(_GRADIENT, "").split("/")
    candidates = ("/".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((candidate for candidate in candidates if candidate in known), None)


def _place(operation: tf.Operation) -> OpPlace:
    is_in_keras_layer = False
    for frame in reversed(operation.traceback or []):
        if frame.filename.startswith(_OURS) and not frame.filename.startswith(_THIS):
            file = Path(frame.filename)
            scope = operation.name.replace(_GRADIENT, "").rpartition("/")[0]
            layer = scope if is_in_keras_layer and scope else f"{file.stem}.{frame.name}"
            return OpPlace(layer, f"{file.relative_to(_ROOT)}:{frame.lineno}")
        is_in_keras_layer |= frame.filename.endswith(_KERAS_LAYER)
    return NOWHERE
