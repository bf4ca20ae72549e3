import json
import os

import pytest
import tensorflow as tf

from components.errors import InputError
from components.trainer.tuning.cluster import Cluster, taken_cluster

CLUSTER = {"chief": ["10.0.0.1:2222"], "worker": ["10.0.0.2:2222", "10.0.0.3:2222"]}


@pytest.fixture
def taken(monkeypatch):
    """The cluster that a process of a task finds."""

    def take(cluster, kind, index):
        value = {"cluster": cluster, "task": {"type": kind, "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(value))
        with taken_cluster() as found:
            return found

    return take


def test_chief_of_several_machines_is_found(taken):
    found = taken(CLUSTER, "chief", 0)
    assert found == Cluster("10.0.0.1:2222", "chief-0", is_chief=True)


def test_worker_of_several_machines_is_found(taken):
    found = taken(CLUSTER, "worker", 1)
    assert found == Cluster("10.0.0.1:2222", "worker-1", is_chief=False)


def test_single_machine_is_no_cluster(taken):
    assert taken({"chief": ["10.0.0.1:2222"]}, "chief", 0) is None


def test_no_cluster_without_the_variable(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with taken_cluster() as found:
        assert found is None


def test_cluster_without_a_chief_is_an_error(taken):
    with pytest.raises(InputError, match=r"TF_CONFIG: expected one address of a chief.*'worker'"):
        taken({"worker": ["a:1", "b:1"]}, "worker", 0)


def test_tensorflow_sees_no_cluster_within_the_context(monkeypatch):
    text = json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 0}})
    monkeypatch.setenv("TF_CONFIG", text)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver
    with taken_cluster():
        assert not resolver().cluster_spec().jobs
    assert os.environ["TF_CONFIG"] == text


@pytest.mark.parametrize(
    ("chief", "address"),
    [("10.0.0.1:2222", "0.0.0.0:2222"), ("127.0.0.1:7", "127.0.0.1:7"), ("localhost:7",) * 2],
)
def test_chief_listens_beyond_loopback_only_if_workers_are_there(chief, address):
    assert Cluster(chief, "chief-0", is_chief=True).listen_address == address
