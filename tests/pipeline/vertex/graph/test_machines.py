import pytest

from pipeline.vertex.graph.machines import check_machine, device_of, replicas_of


@pytest.mark.parametrize(
    ("machine_type", "accelerator_type", "count", "topology", "device", "replicas"),
    [
        ("n1-standard-8", None, 0, None, "cpu", 1),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 1, None, "gpu", 1),
        ("n1-standard-32", "NVIDIA_TESLA_V100", 8, None, "multi_gpu", 8),
        ("g2-standard-24", "NVIDIA_L4", 2, None, "multi_gpu", 2),
        ("a2-highgpu-1g", "NVIDIA_TESLA_A100", 1, None, "gpu", 1),
        ("a2-megagpu-16g", "NVIDIA_TESLA_A100", 16, None, "multi_gpu", 16),
        ("a3-ultragpu-8g", "NVIDIA_H200_141GB", 8, None, "multi_gpu", 8),
        ("cloud-tpu", "TPU_V2", 8, None, "tpu", 8),
        ("cloud-tpu", "TPU_V3", 8, None, "tpu", 8),
        ("ct5lp-hightpu-1t", None, 0, "1x1", "tpu", 1),
        ("ct5lp-hightpu-4t", None, 0, "2x2", "tpu", 4),
        ("ct5lp-hightpu-8t", None, 0, "2x4", "tpu", 8),
        ("z9-new-8", "NVIDIA_FUTURE", 3, None, "multi_gpu", 3),
    ],
)
def test_machines_that_can_be_had_have_device_and_replicas(
    machine_type, accelerator_type, count, topology, device, replicas
):
    check_machine(machine_type, accelerator_type, count, topology)
    assert device_of(machine_type, count) == device
    assert replicas_of(machine_type, count) == replicas


@pytest.mark.parametrize(
    ("machine_type", "accelerator_type", "count", "topology", "message"),
    [
        ("n1-standard-8", None, 1, None, "accelerator_count: expected 0 without accelerator_type"),
        ("n1-standard-8", "NVIDIA_L4", 0, None, "accelerator_count: expected 1 or more"),
        ("n1-standard-8", None, 0, "2x2", "only machines of TPU v5e have one"),
        ("n1-standard-8", "NVIDIA_L4", 1, None, "expected one that begins with g2-standard-"),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 3, None, "expected 1 or 2 or 4 of NVIDIA_TESLA_T4"),
        ("a2-highgpu-4g", "NVIDIA_TESLA_A100", 2, None, "expected 4 of NVIDIA_TESLA_A100"),
        ("g2-standard-48", "NVIDIA_L4", 1, None, "expected 4 of NVIDIA_L4"),
        ("g2-standard-12", None, 0, None, "accelerator_type: expected the type of the GPUs"),
        ("n1-standard-8", "T4", 1, None, "accelerator_type: expected Google's name of a GPU"),
        ("n1-standard-8", "TPU_V2", 8, None, "with machine_type cloud-tpu; received TPU_V2"),
        ("cloud-tpu", None, 0, None, "with machine_type cloud-tpu; received none"),
        ("cloud-tpu", "NVIDIA_L4", 8, None, "expected TPU_V2 or TPU_V3"),
        ("cloud-tpu", "TPU_V3", 32, None, "accelerator_count: expected 8"),
        ("ct5lp-hightpu-4t", None, 0, None, "tpu_topology: expected 2x2 .*; received none"),
        ("ct5lp-hightpu-4t", None, 0, "4x4", "tpu_topology: expected 2x2 .*; received 4x4"),
        ("ct5lp-hightpu-2t", None, 0, "2x2", "machine_type: expected one of ct5lp-hightpu-1t"),
        ("ct5lp-hightpu-4t", "TPU_V5_LITEPOD", 4, "2x2", "accelerator_type: expected none"),
        ("ct4p-hightpu-4t", None, 0, "2x2x1", "expected a TPU v2 or v3"),
        ("cloud-tpu", "TPU_V4_POD", 8, None, "expected a TPU v2 or v3"),
    ],
)
def test_machines_that_cannot_be_had_are_refused(
    machine_type, accelerator_type, count, topology, message
):
    with pytest.raises(ValueError, match=message):
        check_machine(machine_type, accelerator_type, count, topology)


@pytest.mark.parametrize(
    ("machine_type", "accelerator_type", "count", "topology"),
    [
        ("ct6e-standard-4t", None, 0, "2x2"),
        ("ct6e-standard-1t", None, 0, None),
        ("cloud-tpu", "TPU_V6E", 8, None),
        ("cloud-tpu", "TPU7x", 8, None),
        ("tpu7x-standard-4t", None, 0, "2x2x1"),
    ],
)
def test_newer_tpus_are_refused_with_the_reason(machine_type, accelerator_type, count, topology):
    with pytest.raises(ValueError, match="TensorFlow training from TPU v6e on; use v5e"):
        check_machine(machine_type, accelerator_type, count, topology)
