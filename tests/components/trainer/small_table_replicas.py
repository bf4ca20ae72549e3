"""Trains tables that are kept small on two replicas; run as a process of its own.

Arguments: the method, the optimizer of the tables, and the file for the result. Logical devices
take effect only before TensorFlow has started.
"""

import sys

import numpy as np
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.devices import Devices
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE

SIZES = {"C1": 300, "C2": 50}
NUM_STEPS, BATCH = 10, 64


def make_dataset() -> tf.data.Dataset:
    """Ten batches, the same each time."""
    rng = np.random.default_rng(0)
    num_rows = NUM_STEPS * BATCH
    ids = np.stack([rng.integers(size, size=num_rows) for size in SIZES.values()], axis=1)
    dense = rng.normal(size=(num_rows, 2)).astype(np.float32)
    label = rng.integers(2, size=num_rows).astype(np.float32)
    features = {CATEGORICAL: ids.astype(np.int32), DENSE: dense}
    weight = np.ones(num_rows, np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((features, label, weight))
    return dataset.batch(BATCH, drop_remainder=True)


def train(devices: Devices, method: str, optimizer: str) -> dict[str, np.ndarray]:
    """Returns the losses; the tables at the end; and each array of them, of each replica."""
    fields = {"embedding_dim": 4, "bottom_mlp": (6,), "top_mlp": (5,), "batch_size": BATCH}
    fields |= {"embedding": {"method": method}, "min_table_rows": 1}
    fields |= {"embedding_optimizer": {"name": optimizer, "learning_rate": 0.1}}
    config = TrainerConfig.model_validate(fields)
    with devices.scope():
        network = make_dlrm(config, SIZES, 2, devices.make_tables(config))
        step = TrainStep(network, config, NUM_STEPS, devices.jit_compile)
        iterator = iter(devices.distribute(make_dataset(), step.prepare))
        loop = devices.compile_loop(step, iterator)
    result = {"losses": loop(iterator, NUM_STEPS).numpy()}
    if devices.num_replicas > 1:
        for i, variable in enumerate(network.tables.table_variables):
            for replica, part in enumerate(variable.values):
                as_bytes = np.frombuffer(part.numpy().tobytes(), np.uint8)
                result[f"replica_{replica}_{i}"] = as_bytes
    plain = devices.to_plain(network, lambda: make_dlrm(config, SIZES, 2), "")
    for i, embedding in enumerate(plain.tables.embeddings):
        [result[f"table_{i}"]] = plain.tables.values(embedding)
    return result


def main(method: str, optimizer: str, path: str) -> None:
    """Writes the result of two replicas."""
    [cpu] = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, logical)
    devices = Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    np.savez(path, **train(devices, method, optimizer))


if __name__ == "__main__":
    main(*sys.argv[1:])
