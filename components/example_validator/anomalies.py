"""TFMD's anomalies: written as TFX does, read as messages a person can act on."""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.example_validator.config import ColumnGuard

_INFO = anomalies_pb2.AnomalyInfo
# Where a field of `ColumnGuard` set the rule, messages name it.
_RULES = {
    _INFO.INT_TYPE_SMALL_INT: "min_value",
    _INFO.FLOAT_TYPE_SMALL_FLOAT: "min_value",
    _INFO.INT_TYPE_BIG_INT: "max_value",
    _INFO.FLOAT_TYPE_BIG_FLOAT: "max_value",
    _INFO.FEATURE_TYPE_LOW_FRACTION_PRESENT: "min_present_fraction",
}
_MULTIPLE = "Multiple errors"  # as TFDV says it


def add_reason(
    anomalies: anomalies_pb2.Anomalies, column: str, kind: int, rule: str, description: str
) -> None:
    """Adds one broken rule of a column, in place; `set_severity` says how bad it is.

    Args:
      anomalies: of one split.
      column: the feature.
      kind: a value of `AnomalyInfo.Type`.
      rule: the name of the rule.
      description: what was found and what is allowed.
    """
    info = anomalies.anomaly_info[column]
    if not info.path.step:
        info.path.step.append(column)
    info.reason.add(type=kind, short_description=rule, description=description)
    info.description = " ".join(reason.description for reason in info.reason)
    info.short_description = rule if len(info.reason) == 1 else _MULTIPLE


def name_rules(
    anomalies: anomalies_pb2.Anomalies, schema: schema_pb2.Schema, guards: Mapping[str, ColumnGuard]
) -> anomalies_pb2.Anomalies:
    """Returns TFDV's anomalies with the names and the limits of the rules that they break.

    Args:
      anomalies: what TFDV found.
      schema: what it held the statistics to.
      guards: feature -> its own rules, which are in the schema.
    """
    domains = {feature.name: _domain(feature) for feature in schema.feature}
    named = anomalies_pb2.Anomalies()
    named.CopyFrom(anomalies)
    named.anomaly_info.clear()
    for column, info in anomalies.anomaly_info.items():
        fields = guards.get(column, ColumnGuard()).model_dump()
        for reason in info.reason:
            rule, text = reason.short_description, reason.description
            field = _RULES.get(reason.type, "")
            if field.endswith("_value") and column in domains:
                text = f"{text.rstrip('.')}, allowed: {domains[column]}."
            if fields.get(field) is not None:
                rule = field
            add_reason(named, column, reason.type, rule, text)
    return named


def _domain(feature: schema_pb2.Feature) -> str:
    """Returns the values that a feature may have."""
    kind = feature.WhichOneof("domain_info")
    if kind not in ("int_domain", "float_domain"):
        return "any"
    domain = getattr(feature, kind)
    low = f"from {domain.min:g}" if domain.HasField("min") else ""
    high = f"to {domain.max:g}" if domain.HasField("max") else ""
    return f"{low} {high}".strip()


def merge(*several: anomalies_pb2.Anomalies) -> anomalies_pb2.Anomalies:
    """Returns the anomalies of one split that several checks found; the worst severity wins."""
    merged = anomalies_pb2.Anomalies()
    merged.CopyFrom(several[0])
    for anomalies in several[1:]:
        merged.drift_skew_info.extend(anomalies.drift_skew_info)
        for column, info in anomalies.anomaly_info.items():
            for reason in info.reason:
                add_reason(
                    merged, column, reason.type, reason.short_description, reason.description
                )
            of_column = merged.anomaly_info[column]
            of_column.severity = max(of_column.severity, info.severity)
    return merged


def set_severity(anomalies: anomalies_pb2.Anomalies, severity: int) -> None:
    """Sets `AnomalyInfo.WARNING` or `AnomalyInfo.ERROR` for all columns, in place."""
    for info in anomalies.anomaly_info.values():
        info.severity = severity


def describe(split: str, anomalies: anomalies_pb2.Anomalies) -> list[str]:
    """Returns one line a broken rule, naming split, column and rule; columns in name order."""
    lines = []
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"split {split}: {anomalies.dataset_anomaly_info.description}")
    for column, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            lines.append(
                f"split {split}, column {column}, rule {reason.short_description}: "
                f"{reason.description}"
            )
    return lines
