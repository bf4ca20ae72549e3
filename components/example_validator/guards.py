"""The schema made stricter by the configuration."""

import math

from tensorflow_metadata.proto.v0 import schema_pb2

from components.errors import InputError
from components.example_validator.config import ColumnGuard, GuardConfig
from schemas.click_log import LABEL, WEIGHT

_NUMBERS = (schema_pb2.INT, schema_pb2.FLOAT)
_INT64 = (-(2**63), 2**63 - 1)


def guarded_schema(schema: schema_pb2.Schema, config: GuardConfig) -> schema_pb2.Schema:
    """Returns the schema with the presence and the bounds that the configuration asks for.

    Args:
      schema: of the raw rows.
      config: the rules of single columns.

    Raises:
      InputError: if a rule names no feature of the schema, or bounds are no rule for it.
    """
    guarded = schema_pb2.Schema()
    guarded.CopyFrom(schema)
    others = (LABEL, WEIGHT)
    features = {feature.name: feature for feature in guarded.feature if feature.name not in others}
    dense = [name for name, feature in features.items() if feature.type in _NUMBERS]
    try:
        config.check_names(dense, features.keys() - set(dense))
    except ValueError as error:
        raise InputError(f"example_validator.{error}") from error
    for name, guard in config.columns.items():
        _tighten(features[name], guard)
    return guarded


def _tighten(feature: schema_pb2.Feature, guard: ColumnGuard) -> None:
    if guard.min_present_fraction is not None:
        feature.presence.min_fraction = guard.min_present_fraction
    low, high = guard.min_value, guard.max_value
    if feature.type == schema_pb2.INT:
        if low is not None:
            feature.int_domain.min = min(max(math.ceil(low), _INT64[0]), _INT64[1])
        if high is not None:
            feature.int_domain.max = min(max(math.floor(high), _INT64[0]), _INT64[1])
    else:
        if low is not None:
            feature.float_domain.min = low
        if high is not None:
            feature.float_domain.max = high
