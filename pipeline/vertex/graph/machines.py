"""What is known of Google's machines: which accelerators fit, and what trains on them.

Machine types that no family here knows are passed on: Google adds some every year.
Source: https://cloud.google.com/vertex-ai/docs/training/configure-compute.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from components.trainer.config import DeviceKind

NO_TPU_TRAINING = (
    "Vertex AI does not support TensorFlow training from TPU v6e on; use v5e, such as "
    "ct5lp-hightpu-4t with tpu_topology 2x2"
)
CLOUD_TPU = "cloud-tpu"
_CLOUD_TPU_ACCELERATORS = ("TPU_V2", "TPU_V3")
# A v2-8 and a v3-8 have four chips of two cores each.
_CLOUD_TPU_COUNT = 8
# Machines of TPU v5e -> the topology that one machine is, and its chips of one core each. Larger
# topologies are several machines, which the trainer does not join.
_V5E_MACHINES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "ct5lp-hightpu-1t": ("1x1", 1),
        "ct5lp-hightpu-4t": ("2x2", 4),
        "ct5lp-hightpu-8t": ("2x4", 8),
    }
)
# GPU -> machine types that have it, and how many a machine may have.
_GPUS: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "NVIDIA_TESLA_T4": (("n1-",), (1, 2, 4)),
        "NVIDIA_TESLA_P4": (("n1-",), (1, 2, 4)),
        "NVIDIA_TESLA_P100": (("n1-",), (1, 2, 4)),
        "NVIDIA_TESLA_V100": (("n1-",), (1, 2, 4, 8)),
        "NVIDIA_TESLA_A100": (("a2-highgpu-", "a2-megagpu-"), (1, 2, 4, 8, 16)),
        "NVIDIA_A100_80GB": (("a2-ultragpu-",), (1, 2, 4, 8)),
        "NVIDIA_L4": (("g2-standard-",), (1, 2, 4, 8)),
        "NVIDIA_H100_80GB": (("a3-highgpu-",), (1, 2, 4, 8)),
        "NVIDIA_H100_MEGA_80GB": (("a3-megagpu-",), (8,)),
        "NVIDIA_H200_141GB": (("a3-ultragpu-",), (8,)),
    }
)
# `a2-highgpu-4g` has four GPUs.
_GPUS_IN_NAME = re.compile(r"a[23]-\w+gpu-(\d+)g")
_G2_GPUS = MappingProxyType({"4": 1, "8": 1, "12": 1, "16": 1, "32": 1, "24": 2, "48": 4, "96": 8})


def check_machine(
    machine_type: str, accelerator_type: str | None, accelerator_count: int, topology: str | None
) -> None:
    """Refuses machines that cannot be had or cannot train.

    Raises:
      ValueError: the message names the field, what was expected and what was received.
    """
    if accelerator_type is None and accelerator_count:
        raise ValueError(
            f"accelerator_count: expected 0 without accelerator_type, received {accelerator_count}"
        )
    if accelerator_type is not None and not accelerator_count:
        raise ValueError(
            f"accelerator_count: expected 1 or more with accelerator_type {accelerator_type}, "
            "received 0"
        )
    if machine_type.startswith("ct5lp-"):
        _check_v5e(machine_type, accelerator_type, topology)
        return
    _refuse_other_tpus(machine_type, accelerator_type)
    if topology is not None:
        raise ValueError(
            f"tpu_topology: only machines of TPU v5e have one ({', '.join(_V5E_MACHINES)}); "
            f"received {topology} with machine_type {machine_type}"
        )
    if machine_type == CLOUD_TPU or accelerator_type in _CLOUD_TPU_ACCELERATORS:
        _check_cloud_tpu(machine_type, accelerator_type, accelerator_count)
    else:
        _check_gpus(machine_type, accelerator_type, accelerator_count)


def _refuse_other_tpus(machine_type: str, accelerator_type: str | None) -> None:
    """TPUs besides v2, v3 and v5e."""
    newer = re.match(r"ct6e|tpu7", machine_type) or re.match(
        r"TPU_?(V?[6-9]|\d\d)", accelerator_type or ""
    )
    if newer:
        raise ValueError(f"{accelerator_type or machine_type}: {NO_TPU_TRAINING}")
    is_tpu = re.match(r"ct\d", machine_type) or (accelerator_type or "").startswith("TPU")
    if is_tpu and accelerator_type not in _CLOUD_TPU_ACCELERATORS:
        raise ValueError(
            f"{accelerator_type or machine_type}: expected a TPU v2 or v3 (machine_type "
            f"{CLOUD_TPU}, accelerator_type TPU_V2 or TPU_V3) or v5e "
            f"({', '.join(_V5E_MACHINES)}, with tpu_topology and without accelerator_type)"
        )


def _check_v5e(machine_type: str, accelerator_type: str | None, topology: str | None) -> None:
    if machine_type not in _V5E_MACHINES:
        raise ValueError(
            f"machine_type: expected one of {', '.join(_V5E_MACHINES)}, received {machine_type}"
        )
    if accelerator_type is not None:
        raise ValueError(
            f"accelerator_type: expected none, the TPU is part of {machine_type}; received "
            f"{accelerator_type}"
        )
    expected = _V5E_MACHINES[machine_type][0]
    if topology != expected:
        raise ValueError(
            f"tpu_topology: expected {expected} for {machine_type}, one machine; received "
            f"{topology or 'none'}"
        )


def _check_cloud_tpu(machine_type: str, accelerator_type: str | None, count: int) -> None:
    if machine_type != CLOUD_TPU or accelerator_type not in _CLOUD_TPU_ACCELERATORS:
        raise ValueError(
            f"accelerator_type: expected TPU_V2 or TPU_V3 with machine_type {CLOUD_TPU}; received "
            f"{accelerator_type or 'none'} with {machine_type}"
        )
    if count != _CLOUD_TPU_COUNT:
        raise ValueError(
            f"accelerator_count: expected {_CLOUD_TPU_COUNT}, the cores of a v2-8 or v3-8; "
            f"received {count}"
        )


def _check_gpus(machine_type: str, accelerator_type: str | None, count: int) -> None:
    if accelerator_type is None:
        if machine_type.startswith(("a2-", "a3-", "g2-")):
            raise ValueError(
                f"accelerator_type: expected the type of the GPUs that {machine_type} has, "
                "received none"
            )
        return
    if not accelerator_type.startswith("NVIDIA_"):
        raise ValueError(
            f"accelerator_type: expected Google's name of a GPU ({', '.join(_GPUS)}) or TPU_V2 or "
            f"TPU_V3, received {accelerator_type}"
        )
    families, counts = _GPUS.get(accelerator_type, ((), ()))
    if families and not machine_type.startswith(families):
        raise ValueError(
            f"machine_type: expected one that begins with {' or '.join(families)} for "
            f"{accelerator_type}, received {machine_type}"
        )
    if built_in := _built_in_gpus(machine_type):
        counts = (built_in,)
    if counts and count not in counts:
        raise ValueError(
            f"accelerator_count: expected {' or '.join(map(str, counts))} of {accelerator_type} "
            f"with {machine_type}, received {count}"
        )


def _built_in_gpus(machine_type: str) -> int:
    """How many GPUs a machine type has; 0 where they are added to it."""
    if found := _GPUS_IN_NAME.fullmatch(machine_type):
        return int(found[1])
    return _G2_GPUS.get(machine_type.removeprefix("g2-standard-"), 0)


def device_of(machine_type: str, accelerator_count: int) -> DeviceKind:
    """Returns what one such machine trains on, in the trainer's words."""
    if machine_type == CLOUD_TPU or machine_type in _V5E_MACHINES:
        return "tpu"
    if not accelerator_count:
        return "cpu"
    return "gpu" if accelerator_count == 1 else "multi_gpu"


def replicas_of(machine_type: str, accelerator_count: int) -> int:
    """Returns into how many parts one such machine divides a batch."""
    if machine_type in _V5E_MACHINES:
        return _V5E_MACHINES[machine_type][1]
    return max(accelerator_count, 1)
