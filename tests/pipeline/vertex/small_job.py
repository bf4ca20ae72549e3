"""A compiled pipeline of three tasks, as TFX makes it."""

import copy
from typing import Any

_JOB: dict[str, Any] = {
    "displayName": "dlrm-approx",
    "labels": {"tfx_runner": "kubeflow_v2", "team": "ads"},
    "runtimeConfig": {"gcsOutputDirectory": "gs://clicks/runs"},
    "pipelineSpec": {
        "schemaVersion": "2.0.0",
        "sdkVersion": "tfx-1.16.0",
        "pipelineInfo": {"name": "dlrm-approx"},
        "components": {
            name: {"executorLabel": f"{name}_executor"}
            for name in ("ExampleGen", "Trainer_full", "Evaluator")
        },
        "deploymentSpec": {
            "executors": {
                f"{name}_executor": {"container": {"image": "gcr.io/ads/dlrm:1"}}
                for name in ("ExampleGen", "Trainer_full", "Evaluator")
            }
        },
        "root": {
            "dag": {
                "tasks": {
                    "ExampleGen": {
                        "taskInfo": {"name": "ExampleGen"},
                        "componentRef": {"name": "ExampleGen"},
                    },
                    "Trainer_full": {
                        "taskInfo": {"name": "Trainer_full"},
                        "componentRef": {"name": "Trainer_full"},
                        "dependentTasks": ["ExampleGen"],
                    },
                    "Evaluator": {
                        "taskInfo": {"name": "Evaluator"},
                        "componentRef": {"name": "Evaluator"},
                        "dependentTasks": ["Trainer_full"],
                    },
                }
            }
        },
    },
}


def small_job() -> dict[str, Any]:
    return copy.deepcopy(_JOB)
