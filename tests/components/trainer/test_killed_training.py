"""A training that is killed, and another process that takes it up again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import tensorflow as tf

from tests.components.trainer.small_log import write_small_log

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3]
LIMIT_SECONDS = 300


def start(
    folder: Path,
    name: str,
    checkpoints: str,
    device: str = "cpu",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> "subprocess.Popen[bytes]":
    arguments = [str(folder / "log"), str(folder / checkpoints), str(folder / name), device]
    with (folder / f"{name}.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.components.trainer.killed_training", *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(process: "subprocess.Popen[bytes]", folder: Path, name: str) -> dict[str, np.ndarray]:
    try:
        assert process.wait(LIMIT_SECONDS) == 0, (folder / f"{name}.txt").read_text()
    finally:
        process.kill()
    return dict(np.load(folder / name))


def newest_checkpoint(folder: Path) -> int:
    """The step that it was written after; -1 without one."""
    path = tf.train.latest_checkpoint(str(folder))
    return int(path.rpartition("-")[2]) if path else -1


def kill_after_a_checkpoint(
    process: "subprocess.Popen[bytes]", folder: Path, checkpoints: str, at_least: int
) -> None:
    """Kills the process once there is a checkpoint after step `at_least` or later."""
    end = time.monotonic() + LIMIT_SECONDS
    try:
        while newest_checkpoint(folder / checkpoints) < at_least:
            assert process.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < end
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_killed_training_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    write_small_log(tmp_path / "log")
    whole = finish(start(tmp_path, "whole", "none"), tmp_path, "whole")
    for name, at_least in (("first", 7), ("second", 84)):
        kill_after_a_checkpoint(start(tmp_path, name, "kept"), tmp_path, "kept", at_least)
        assert not (tmp_path / name).exists()
    last = finish(start(tmp_path, "last", "kept"), tmp_path, "last")
    assert len(whole["resumed_steps"]) == 0
    first, second = last["resumed_steps"]
    assert 7 <= first < 84 <= second < 150
    assert set(last) == set(whole)
    for name in set(whole) - {"resumed_steps"}:
        np.testing.assert_array_equal(last[name], whole[name], err_msg=name)
    assert len(last["losses"]) == 150
    assert len(last["loglosses"]) == 12


def test_a_killed_training_on_two_replicas_goes_on_with_the_losses_of_one(tmp_path: Path) -> None:
    write_small_log(tmp_path / "log")
    one = finish(start(tmp_path, "one", "none"), tmp_path, "one")
    first = start(tmp_path, "first", "kept", "two_logical_cpus")
    kill_after_a_checkpoint(first, tmp_path, "kept", 63)
    two = finish(start(tmp_path, "two", "kept", "two_logical_cpus"), tmp_path, "two")
    assert 63 <= two["resumed_steps"][0] < 150
    for name in ("losses", "loglosses"):
        np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)


def start_workers(folder: Path, name: str) -> "list[subprocess.Popen[bytes]]":
    """Starts two processes that train together; their results are name0 and name1."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(2)]
        for each in sockets:
            each.bind(("localhost", 0))
        workers = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        environment = {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}
        processes.append(start(folder, f"{name}{index}", "kept", "multi_worker", environment))
    return processes


def test_a_killed_training_on_two_workers_goes_on_with_the_losses_of_one(tmp_path: Path) -> None:
    write_small_log(tmp_path / "log")
    one = finish(start(tmp_path, "one", "none"), tmp_path, "one")
    chief, other = start_workers(tmp_path, "killed")
    try:
        kill_after_a_checkpoint(chief, tmp_path, "kept", 63)
    finally:
        other.kill()
        other.wait()
    processes = start_workers(tmp_path, "last")
    for index, process in enumerate(processes):
        try:
            two = finish(process, tmp_path, f"last{index}")
        except AssertionError:
            processes[1].kill()
            raise
        assert 63 <= two["resumed_steps"][0] < 150
        for name in ("losses", "loglosses"):
            np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)
