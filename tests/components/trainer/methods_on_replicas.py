"""Trains every method on one CPU and on two replicas; run as a process of its own.

Arguments: the folder of a small log, and the file for the results: JSON, for each method the losses
of all steps by device, or what went wrong. Logical devices take effect only before TensorFlow has
started.
"""

import json
import sys
import traceback
from pathlib import Path

import tf_keras

from components.trainer.config import TrainerConfig
from components.trainer.devices import Devices, make_devices
from components.trainer.loop.training import train
from components.trainer.registry import known_methods
from tests.components.trainer.killed_training import find_devices
from tests.components.trainer.small_log import (
    CONFIG,
    NUM_TRAIN_ROWS,
    SmallLog,
    find_small_log,
    make_network,
)


def losses(method: str, devices: Devices, log: SmallLog) -> list[float]:
    """Of all steps of two epochs, whose maintenance is done in the pauses."""
    fields = CONFIG.model_dump() | {"embedding": {"method": method}}
    config = TrainerConfig.model_validate(fields)
    with devices.scope():
        network = make_network(config)
    summary = train(network, config, log.train_files, NUM_TRAIN_ROWS, devices=devices)
    return [point.loss for point in summary.loss_curve]


def main(log_folder: str, results: str) -> None:
    """Trains them all."""
    log = find_small_log(Path(log_folder))
    kinds = {"two_replicas": find_devices("two_logical_cpus"), "one_cpu": make_devices("cpu")}
    by_method: dict[str, dict[str, list[float]] | str] = {}
    for method in known_methods():
        tf_keras.backend.clear_session()
        try:
            by_method[method] = {
                kind: losses(method, devices, log) for kind, devices in kinds.items()
            }
        except Exception:
            by_method[method] = traceback.format_exc()
    Path(results).write_text(json.dumps(by_method))


if __name__ == "__main__":
    main(*sys.argv[1:])
