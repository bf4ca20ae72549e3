"""Trains, evaluates and exports on several replicas; run as a process of its own.

Arguments: the kind of device, a JSON file of trainer configurations, the folder of the transform
graph, the patterns of the train and eval files, and the folder for the results. Logical devices and
TF_CONFIG take effect only before TensorFlow has started.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.features import read_features
from components.parquet import read_table
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import TEACHER_LOGIT, count_rows, find_files, make_dataset
from components.trainer.devices import Devices, make_devices
from components.trainer.evaluation import Evaluation
from components.trainer.loop.teaching import write_teaching
from components.trainer.serving import ServedModel, export
from components.trainer.train_step import TrainStep


def run(
    devices: Devices,
    config: TrainerConfig,
    graph: Path,
    train_files: Sequence[str],
    eval_files: Sequence[str],
    folder: Path,
) -> None:
    """Writes the losses of an epoch, the figures after it and the weights, and the SavedModel."""
    features = read_features(str(graph))
    sizes, dense_width = features.vocabulary_sizes, features.dense_width
    num_steps = -(-count_rows(train_files) // config.batch_size)
    with devices.scope():
        network = make_dlrm(config, sizes, dense_width, devices.make_tables(config))
        step = TrainStep(network, config, num_steps, devices.jit_compile)
        dataset = make_dataset(train_files, config.batch_size, 1_000, (config.seed, 0))
        iterator = iter(devices.distribute(dataset, step.prepare))
        loop = devices.compile_loop(step, iterator)
    losses = [loop(iterator, 4).numpy(), loop(iterator, num_steps - 4).numpy()]
    figures = Evaluation(network, config, eval_files, devices=devices, with_metrics=True)()
    with tempfile.TemporaryDirectory() as scratch:
        teaching = write_teaching(network, config, train_files, devices, 0.0, scratch)
        teacher_logits = [read_table(path)[TEACHER_LOGIT].to_numpy() for path in teaching.files]
        plain = devices.to_plain(network, lambda: make_dlrm(config, sizes, dense_width), scratch)
        served = ServedModel(str(graph), plain, features.click_log, config.served_logit_offset)
        if devices.is_chief:
            export(served, str(folder / "model"))
    np.savez(
        folder / f"worker_{os.getpid()}.npz",
        losses=np.concatenate(losses),
        teacher_logits=np.concatenate(teacher_logits),
        is_chief=devices.is_chief,
        **{f"figure_{name}": value for name, value in figures.items()},
        **{f"weights_{i:03}": weights for i, weights in enumerate(plain.get_weights())},
    )


def main(device: str, configs: str, graph: str, train: str, eval: str, folder: str) -> None:
    """Runs each configuration in a folder of its name."""
    if device == "two_logical_cpus":
        [cpu] = tf.config.list_physical_devices("CPU")
        logical = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, logical)
        devices = Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    else:
        devices = make_devices(device)
    files = find_files([train]), find_files([eval])
    for name, fields in json.loads(Path(configs).read_text()).items():
        config = TrainerConfig.model_validate(fields)
        results = Path(folder, name)
        results.mkdir(exist_ok=True)
        run(devices, config, Path(graph), *files, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
