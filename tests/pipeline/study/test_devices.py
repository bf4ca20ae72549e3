from pipeline.study import devices
from pipeline.study.devices import missing_devices


def test_missing_devices_have_a_reason(monkeypatch):
    monkeypatch.setattr(
        devices.tf.config, "list_physical_devices", lambda kind: ["x"] if kind == "GPU" else []
    )
    assert missing_devices(["gpu", "multi_gpu", "tpu"]) == {
        "multi_gpu": "device multi_gpu: expected 2 GPU or more, this machine has 1",
        "tpu": "device tpu: expected 1 TPU or more, this machine has 0",
    }


def test_the_cpu_is_always_there():
    assert missing_devices(["cpu"]) == {}
