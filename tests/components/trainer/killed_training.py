"""Trains on a small log; run as a process of its own, which can be killed.

Arguments: the folder of the log, that of the checkpoints, the file for the result, and the kind of
device.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.devices import Devices, make_devices
from components.trainer.loop.training import train
from tests.components.trainer.small_log import CONFIG, NUM_TRAIN_ROWS, find_small_log, make_network


def find_devices(device: str) -> Devices:
    """Returns two replicas on this machine's CPU, or what the trainer knows by that name."""
    if device != "two_logical_cpus":
        return make_devices(device)
    [cpu] = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, logical)
    return Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))


def main(log_folder: str, checkpoint_dir: str, result: str, device: str) -> None:
    """Trains 150 steps in 3 epochs, and writes losses and weights."""
    log = find_small_log(Path(log_folder))
    config = TrainerConfig.model_validate(
        {
            **CONFIG.model_dump(),
            "device": device if device != "two_logical_cpus" else "cpu",
            "epochs": 3,
            "batch_size": 14,
            "shuffle_window_rows": 100,
            "checkpoint_steps": 7,
            "evals_per_epoch": 4,
            "validation_fraction": 0.3,  # of the log that the train files would be taken from
            "early_stopping": {"patience": 99},
            "reduce_on_plateau": {"patience": 1, "factor": 0.8},
        }
    )
    devices = find_devices(device)
    with devices.scope():
        network = make_network(config)
    summary = train(
        network,
        config,
        log.train_files,
        NUM_TRAIN_ROWS,
        validation_files=log.eval_files,
        devices=devices,
        checkpoint_dir=checkpoint_dir,
    )
    path = f"{result}.npz.tmp"
    with Path(path).open("wb") as file:
        np.savez(
            file,
            resumed_steps=summary.resumed_steps,
            exported_step=summary.exported_step,
            losses=[point.loss for point in summary.loss_curve],
            loglosses=[point.logloss for point in summary.eval_curve],
            **{f"weights_{i}": weights for i, weights in enumerate(network.get_weights())},
        )
    Path(path).rename(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
