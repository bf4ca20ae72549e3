"""Anomalies as one message a person can act on."""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2


def describe(anomalies_by_split: Mapping[str, anomalies_pb2.Anomalies]) -> str:
    """Returns one line an anomaly, naming split, feature and rule; empty if there is none."""
    lines = []
    for split, anomalies in anomalies_by_split.items():
        if anomalies.HasField("dataset_anomaly_info"):
            lines.append(f"split {split}: {anomalies.dataset_anomaly_info.description}")
        for feature, info in sorted(anomalies.anomaly_info.items()):
            lines.append(f"split {split}, feature {feature}: {info.description}")
    return "\n".join(lines)
