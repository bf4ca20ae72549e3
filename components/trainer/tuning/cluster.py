"""Which of several machines that search together this process is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import tensorflow as tf

from components.errors import InputError

_VARIABLE = "TF_CONFIG"
_CHIEF = "chief"
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Cluster:
    """The machines of one search.

    Attributes:
      chief: `host:port` of the machine that decides what is tried.
      task: of this process, such as `chief-0` or `worker-1`.
      is_chief: whether this process is the chief.
    """

    chief: str
    task: str
    is_chief: bool

    @property
    def listen_address(self) -> str:
        """Where the chief listens: a name of this machine from outside may not be one inside."""
        host, port = self.chief.rsplit(":", 1)
        return self.chief if host in _LOOPBACK else f"0.0.0.0:{port}"


@contextmanager
def taken_cluster() -> Iterator[Cluster | None]:
    """Takes the cluster out of the environment variable TF_CONFIG for as long as the context lasts.

    Trials are trainings on one machine each. TensorFlow, which reads the variable too, would spread
    a training over the cluster.

    Yields:
      the cluster; None without the variable, or if there is one machine only.

    Raises:
      InputError: if it names no chief.
    """
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    tasks = resolver.cluster_spec().as_dict()
    cluster = None
    if sum(len(addresses) for addresses in tasks.values()) > 1:
        if len(tasks.get(_CHIEF, ())) != 1:
            raise InputError(
                f"{_VARIABLE}: expected one address of a chief in cluster, received {sorted(tasks)}"
            )
        kind, index = resolver.task_type, resolver.task_id
        cluster = Cluster(tasks[_CHIEF][0], f"{kind}-{index}", is_chief=kind == _CHIEF)
    text = os.environ.pop(_VARIABLE, None)
    try:
        yield cluster
    finally:
        if text is not None:
            os.environ[_VARIABLE] = text
