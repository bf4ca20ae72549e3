"""The workers of a custom job: who they are, and where they find each other."""

import contextlib
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.vertex.local.container import program_command

# What TensorFlow calls the tasks of the worker pools, in their order.
_TASK_TYPES = ("chief", "worker", "ps", "evaluator")
_EVALUATOR = "evaluator"


@dataclass(frozen=True)
class Worker:
    """One replica of a worker pool.

    Attributes:
      name: such as `workerpool1-0`; `workerpool0-0` is the primary one.
      command: as it runs here.
      environment: the variables that it has besides those of its image.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def make_workers(job_id: str, pools: Sequence[Mapping[str, Any]]) -> list[Worker]:
    """Returns the workers of a custom job, the primary one first.

    They get `TF_CONFIG` and `CLUSTER_SPEC` as Vertex AI sets them, but for the copy of the job's
    spec, with addresses on this machine.

    Args:
      job_id: the number of the job.
      pools: `workerPoolSpecs` of the job's spec.
    """
    num_replicas = [int(pool.get("replicaCount", 1)) for pool in pools]
    ports = iter(_free_ports(sum(num_replicas)))
    addresses = [[f"127.0.0.1:{next(ports)}" for _ in range(number)] for number in num_replicas]
    by_pool = {f"workerpool{i}": hosts for i, hosts in enumerate(addresses) if hosts}
    by_type = {
        kind: hosts
        for kind, hosts in zip(_TASK_TYPES, addresses, strict=False)
        if hosts and kind != _EVALUATOR  # it is no part of TensorFlow's cluster
    }
    return [
        _worker(job_id, pool, position, index, by_pool, by_type)
        for position, pool in enumerate(pools)
        for index in range(num_replicas[position])
    ]


def _worker(
    job_id: str,
    pool: Mapping[str, Any],
    position: int,
    index: int,
    by_pool: Mapping[str, list[str]],
    by_type: Mapping[str, list[str]],
) -> Worker:
    container = pool["containerSpec"]
    pool_name = f"workerpool{position}"
    return Worker(
        name=f"{pool_name}-{index}",
        command=tuple(program_command([*container["command"], *container.get("args", ())])),
        environment={
            **{each["name"]: each["value"] for each in container.get("env", ())},
            "CLOUD_ML_JOB_ID": job_id,
            "TF_CONFIG": _cluster(by_type, _TASK_TYPES[position], index),
            "CLUSTER_SPEC": _cluster(by_pool, pool_name, index),
        },
    )


def _cluster(cluster: Mapping[str, list[str]], task_type: str, index: int) -> str:
    return json.dumps(
        {
            "cluster": cluster,
            "environment": "cloud",
            "task": {"type": task_type, "index": index},
        }
    )


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
