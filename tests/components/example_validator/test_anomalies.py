from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.anomalies import describe


def _anomalies(text):
    return text_format.Parse(text, anomalies_pb2.Anomalies())


def test_no_anomaly_gives_an_empty_message():
    assert describe({"train": _anomalies(""), "eval": _anomalies("")}) == ""


def test_message_names_split_feature_and_rule():
    anomalies = _anomalies(
        'anomaly_info { key: "label" value { description: "Unexpectedly large value: 2." } }'
    )
    message = describe({"train": _anomalies(""), "eval": anomalies})
    assert message == "split eval, feature label: Unexpectedly large value: 2."


def test_message_tells_of_the_dataset_as_a_whole():
    anomalies = _anomalies('dataset_anomaly_info { description: "Too few examples." }')
    assert describe({"train": anomalies}) == "split train: Too few examples."
