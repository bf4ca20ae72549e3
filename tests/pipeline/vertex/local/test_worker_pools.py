"""TF_CONFIG and CLUSTER_SPEC as Vertex AI sets them, against values worked out by hand."""

import json
import sys

from pipeline.vertex.local.worker_pools import make_workers


def _pool(count, **container):
    spec = {"imageUri": "image", "command": ["python", "-m", "train"], **container}
    return {"replicaCount": str(count), "machineSpec": {}, "containerSpec": spec}


def _specs(worker):
    return [json.loads(worker.environment[name]) for name in ("TF_CONFIG", "CLUSTER_SPEC")]


def test_single_worker_is_the_chief():
    [worker] = make_workers("17", [_pool(1, args=["--epochs", "2"])])
    assert worker.name == "workerpool0-0"
    assert worker.command == (sys.executable, "-m", "train", "--epochs", "2")
    tf_config, cluster_spec = _specs(worker)
    assert worker.environment["CLOUD_ML_JOB_ID"] == "17"
    [address] = tf_config["cluster"]["chief"]
    assert tf_config == {
        "cluster": {"chief": [address]},
        "environment": "cloud",
        "task": {"type": "chief", "index": 0},
    }
    assert cluster_spec == {
        "cluster": {"workerpool0": [address]},
        "environment": "cloud",
        "task": {"type": "workerpool0", "index": 0},
    }


def test_second_pool_is_workers_with_addresses_of_their_own():
    workers = make_workers("1", [_pool(1), _pool(2)])
    assert [worker.name for worker in workers] == [
        "workerpool0-0",
        "workerpool1-0",
        "workerpool1-1",
    ]
    configs = [_specs(worker)[0] for worker in workers]
    assert [config["task"] for config in configs] == [
        {"type": "chief", "index": 0},
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]
    [cluster] = {json.dumps(config["cluster"]) for config in configs}
    addresses = json.loads(cluster)["chief"] + json.loads(cluster)["worker"]
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_empty_pool_and_evaluators_are_not_in_tensorflows_cluster():
    pools = [_pool(1), _pool(0), _pool(0), _pool(1)]
    chief, evaluator = make_workers("1", pools)
    tf_config, cluster_spec = _specs(evaluator)
    assert set(tf_config["cluster"]) == {"chief"}
    assert tf_config["task"] == {"type": "evaluator", "index": 0}
    assert set(cluster_spec["cluster"]) == {"workerpool0", "workerpool3"}
    assert _specs(chief)[0]["cluster"] == tf_config["cluster"]


def test_variables_of_the_container_are_set():
    [worker] = make_workers("1", [_pool(1, env=[{"name": "LEVEL", "value": "3"}])])
    assert worker.environment["LEVEL"] == "3"
