"""All checks over the statistics of the splits, and what their findings mean for the run."""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.example_validator.anomalies import describe, merge, name_rules, set_severity
from components.example_validator.config import GuardConfig
from components.example_validator.drift import find_drift
from components.example_validator.guards import guarded_schema
from schemas.click_log import EVAL_SPLIT, TRAIN_SPLIT

_SEVERITIES = {"fail": anomalies_pb2.AnomalyInfo.ERROR, "warn": anomalies_pb2.AnomalyInfo.WARNING}


class Verdict(NamedTuple):
    """What was found.

    Attributes:
      anomalies: split -> everything found in it, with its severity.
      errors: one line each, of what fails the step.
      warnings: one line each, of what the run goes on with.
    """

    anomalies: dict[str, anomalies_pb2.Anomalies]
    errors: list[str]
    warnings: list[str]


def validate(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
    schema: schema_pb2.Schema,
    config: GuardConfig,
) -> Verdict:
    """Holds every split to the schema and the bounds, and eval to train.

    Args:
      statistics: split -> its statistics; drift is looked for if train and eval are there.
      schema: of the raw rows.
      config: rules and consequences.

    Raises:
      InputError: if a rule does not fit the schema.
    """
    guarded = guarded_schema(schema, config)
    verdict = Verdict({}, [], [])
    lines = {"fail": verdict.errors, "warn": verdict.warnings, "ignore": []}
    for split, of_split in statistics.items():
        found = name_rules(tfdv.validate_statistics(of_split, guarded), guarded, config.columns)
        set_severity(found, _SEVERITIES[config.on_anomaly])
        lines[config.on_anomaly] += describe(split, found)
        verdict.anomalies[split] = found
    if TRAIN_SPLIT in statistics and EVAL_SPLIT in statistics:
        drift = find_drift(statistics[TRAIN_SPLIT], statistics[EVAL_SPLIT], config)
        lines[config.on_drift] += describe(EVAL_SPLIT, drift)
        if config.on_drift == "ignore":
            drift.anomaly_info.clear()
        else:
            set_severity(drift, _SEVERITIES[config.on_drift])
        verdict.anomalies[EVAL_SPLIT] = merge(verdict.anomalies[EVAL_SPLIT], drift)
    return verdict
