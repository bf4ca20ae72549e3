from pathlib import Path

import numpy as np
import pytest

from components.trainer.loop.best_weights import BestWeights
from components.trainer.model import Dlrm
from tests.components.trainer.small_log import (
    CONFIG,
    labels_and_logits,
    make_network,
    write_small_log,
)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Dlrm:
    network = make_network(CONFIG)
    labels_and_logits(network, write_small_log(tmp_path_factory.mktemp("log")).eval_files)
    assert len(network.trainable_variables) > len(network.tables.stacks)
    return network


def set_all(network: Dlrm, value: float) -> None:
    for variable in network.trainable_variables:
        variable.assign(np.full(variable.shape, value, np.float32))


def values(network: Dlrm) -> set[float]:
    return {float(v) for each in network.get_weights() for v in each.ravel()}


def kept_steps(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in (folder / "best").iterdir()}


def test_weights_are_those_that_were_kept(network: Dlrm, tmp_path: Path) -> None:
    best = BestWeights(str(tmp_path), network, is_chief=True)
    set_all(network, 1.5)
    best.save(10, None)
    set_all(network, 2.5)
    best.restore(10)
    assert values(network) == {1.5}


def test_weights_that_a_checkpoint_knows_of_stay_too(network: Dlrm, tmp_path: Path) -> None:
    best = BestWeights(str(tmp_path), network, is_chief=True)
    for step, checkpointed in ((10, None), (20, 10), (30, 10)):
        set_all(network, float(step))
        best.save(step, checkpointed)
    assert kept_steps(tmp_path) == {"after-10", "after-30"}
    best.restore(10)
    assert values(network) == {10.0}


def test_another_process_finds_the_weights(network: Dlrm, tmp_path: Path) -> None:
    set_all(network, 1.5)
    BestWeights(str(tmp_path), network, is_chief=True).save(10, None)
    set_all(network, 2.5)
    BestWeights(str(tmp_path), network, is_chief=True).restore(10)
    assert values(network) == {1.5}


def test_a_temporary_folder_is_removed(
    network: Dlrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    best = BestWeights(None, network, is_chief=True)
    best.save(10, None)
    [folder] = tmp_path.iterdir()
    assert kept_steps(folder) == {"after-10"}
    best.remove_temporary()
    assert not list(tmp_path.iterdir())


def test_other_workers_leave_nothing_in_the_folder(network: Dlrm, tmp_path: Path) -> None:
    best = BestWeights(str(tmp_path), network, is_chief=False)
    set_all(network, 1.5)
    best.save(10, None)
    set_all(network, 2.5)
    best.restore(10)
    best.remove_temporary()
    assert values(network) == {1.5}
    assert not list(tmp_path.iterdir())


def test_a_worker_that_was_killed_reads_the_weights_of_the_chief(
    network: Dlrm, tmp_path: Path
) -> None:
    set_all(network, 1.5)
    BestWeights(str(tmp_path), network, is_chief=True).save(10, None)
    set_all(network, 2.5)
    worker = BestWeights(str(tmp_path), network, is_chief=False)
    worker.restore(10)
    worker.remove_temporary()
    assert values(network) == {1.5}
