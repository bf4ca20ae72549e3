"""Which devices of a study this machine lacks."""

from collections.abc import Iterable

import tensorflow as tf

_NEEDED = {"gpu": ("GPU", 1), "multi_gpu": ("GPU", 2), "tpu": ("TPU", 1)}


def missing_devices(devices: Iterable[str]) -> dict[str, str]:
    """Returns device -> why it cannot be used here; takes hold of none.

    Args:
      devices: of `TrainerConfig.device`.
    """
    missing = {}
    for device in devices:
        kind, needed = _NEEDED.get(device, ("CPU", 1))
        found = len(tf.config.list_physical_devices(kind))
        if found < needed:
            missing[device] = (
                f"device {device}: expected {needed} {kind} or more, this machine has {found}"
            )
    return missing
