"""Facts about a SavedModel that need no loading of it."""

import os
from collections.abc import Collection

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from components.errors import InputError
from schemas.serving import PROBABILITY, RAW_FEATURES


def check_raw_signature(variant: str, path: str, features: Collection[str]) -> None:
    """Checks that a SavedModel has the signature that the Evaluator calls.

    Args:
      variant: the name that an error gives.
      path: the folder that holds `saved_model.pb`.
      features: the features of the raw rows.

    Raises:
      InputError: if there is no SavedModel, no `raw_features` signature, the signature takes other
        features, or its output is missing.
    """
    file_path = os.path.join(path, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    if not tf.io.gfile.exists(file_path):
        raise InputError(f"the model of variant {variant!r}: no SavedModel at {path}")
    with tf.io.gfile.GFile(file_path, "rb") as file:
        signatures = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].signature_def
    if RAW_FEATURES not in signatures:
        known = ", ".join(sorted(name for name in signatures if not name.startswith("__")))
        raise InputError(
            f"the model of variant {variant!r} at {path}: expected a signature {RAW_FEATURES!r}; "
            f"received {known or 'none'}"
        )
    signature = signatures[RAW_FEATURES]
    inputs = set(signature.inputs)
    if inputs != set(features) or PROBABILITY not in signature.outputs:
        raise InputError(
            f"the model of variant {variant!r} at {path}: expected its signature {RAW_FEATURES!r} "
            f"to take the {len(features)} raw features and to return {PROBABILITY!r}; missing "
            f"inputs: {_listed(set(features) - inputs)}; unknown inputs: "
            f"{_listed(inputs - set(features))}; outputs: {', '.join(signature.outputs)}"
        )


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def folder_bytes(path: str) -> int:
    """Returns the sum of the sizes of all files under a folder."""
    return sum(
        int(tf.io.gfile.stat(os.path.join(folder, name)).length)
        for folder, _, names in tf.io.gfile.walk(path)
        for name in names
    )
