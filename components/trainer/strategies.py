"""Finds the devices that a training is to run on."""

import functools

import tensorflow as tf

from components.errors import InputError


def find_strategy(device: str) -> tf.distribute.Strategy:
    """Returns TensorFlow's strategy for `TrainerConfig.device`.

    `"auto"` is `best_device()`.

    Raises:
      InputError: if the device is not there.
    """
    if device == "auto":
        device = best_device()
    if device == "tpu":
        return _tpu_strategy()
    if device == "multi_worker":
        return _multi_worker_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    if device == "multi_gpu":
        _require(len(gpus) > 1, device, "two or more GPUs")
        return tf.distribute.MirroredStrategy()
    if device == "gpu":
        _require(len(gpus) > 0, device, "a GPU")
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    if gpus:
        return tf.distribute.OneDeviceStrategy("/cpu:0")
    return tf.distribute.get_strategy()


def best_device() -> str:
    """Returns the fastest kind of device that TensorFlow sees on this machine."""
    if tf.config.list_physical_devices("TPU"):
        return "tpu"
    num_gpus = len(tf.config.list_logical_devices("GPU"))
    if num_gpus > 1:
        return "multi_gpu"
    return "gpu" if num_gpus else "cpu"


def _require(is_there: bool, device: str, expected: str) -> None:
    if not is_there:
        kinds = [d.device_type for d in tf.config.list_logical_devices()]
        seen = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        raise InputError(f"device {device}: expected {expected}, TensorFlow sees {seen}")


@functools.cache  # A process can join the others only once, before it has run any operation.
def _multi_worker_strategy() -> tf.distribute.Strategy:
    """TensorFlow takes the addresses of all workers and our place among them from TF_CONFIG."""
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if not resolver.cluster_spec().jobs:
        raise InputError(
            "device multi_worker: expected the addresses of all workers in the environment "
            "variable TF_CONFIG, received none"
        )
    return tf.distribute.MultiWorkerMirroredStrategy(resolver)


def _tpu_strategy() -> tf.distribute.Strategy:
    """A TPU is the one that the environment names, else one that this machine holds.

    It is initialized anew: a TPU takes the tables of one network only, and a process may train
    several.
    """
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
    except ValueError:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver("local")
    try:
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except tf.errors.NotFoundError:
        _require(False, "tpu", "a TPU")
    return tf.distribute.TPUStrategy(resolver)
