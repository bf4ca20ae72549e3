"""The TFMD schema of the raw rows."""

from tensorflow_metadata.proto.v0 import schema_pb2

from schemas.click_log import LABEL, WEIGHT, ClickLog

_DENSE_TYPES = {"integer": schema_pb2.INT, "float": schema_pb2.FLOAT}


def make_schema(click_log: ClickLog) -> schema_pb2.Schema:
    """Returns what the raw rows of a click log must look like.

    The label is 0 or 1 in every row, a weight above 0. A feature has one value or none in a row,
    and at least one in the whole split; categories are BYTES.

    Args:
      click_log: the layout of the log.

    Returns:
      One feature a column, in the order of `schemas.click_log.raw_arrow_schema`.
    """
    schema = schema_pb2.Schema()
    label = _add_required(schema, LABEL, schema_pb2.INT)
    label.int_domain.min = 0
    label.int_domain.max = 1
    if click_log.weight:
        _add_required(schema, WEIGHT, schema_pb2.FLOAT).float_domain.min = 0
    for column in click_log.dense:
        _add_feature(schema, column.name, _DENSE_TYPES[column.type])
    for name in click_log.categorical_features:
        _add_feature(schema, name, schema_pb2.BYTES)
    return schema


def _add_required(schema: schema_pb2.Schema, name: str, kind: int) -> schema_pb2.Feature:
    feature = schema.feature.add(name=name, type=kind)
    feature.presence.min_fraction = 1
    feature.presence.min_count = 1
    feature.shape.dim.add(size=1)
    return feature


def _add_feature(schema: schema_pb2.Schema, name: str, kind: int) -> None:
    feature = schema.feature.add(name=name, type=kind)
    feature.value_count.min = 1
    feature.value_count.max = 1
    feature.presence.min_count = 1
