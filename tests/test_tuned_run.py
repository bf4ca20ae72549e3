"""A run with a tuner, end to end, through its command line."""

import json
from pathlib import Path

import pytest

from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import with_values
from components.trainer.tuning.results import TuningResult
from pipeline import local_run
from pipeline.lineage.store import read_snapshot
from pipeline.local_cli import main

pytestmark = pytest.mark.slow

# A learning rate that learns nothing, so that a better one is found for sure.
FLAGS = [
    "trainer.dense_optimizer={learning_rate: 1.0e-6}",
    "variants.hashing.batch_size=200",
    "tuner.learning_rate_range={num_points: 20, num_seeds: 1, max_factor: 2.0e+4}",
    "tuner.batch_sizes={min_batch_size: 128, max_batch_size: 128, max_logloss_increase: 9}",
    "tuner.search={algorithm: grid, fields: {top_mlp: {values: [[8], [16, 8]]}}}",
]


def _run(root):
    flags = [part for flag in FLAGS for part in ("--set", flag)]
    arguments = ["--preset", "tiny", "--variants", "full,hashing", "--root", str(root)]
    return main([*arguments, *flags])


def _output(root, step, key):
    snapshot = read_snapshot(root)
    return Path(local_run._output(snapshot, snapshot.runs[-1].id, step, key).uri)


def _executed(root):
    snapshot = read_snapshot(root)
    executions = snapshot.run_executions(snapshot.runs[-1].id)
    return {execution.node for execution in executions if execution.state == "complete"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    assert _run(folder) == 0
    return folder


@pytest.fixture(scope="module")
def result(root):
    path = _output(root, "Tuner", "tuner_results") / "tuning.json"
    return TuningResult.model_validate_json(path.read_text())


def test_tuner_finds_better_values_and_draws_them(root, result):
    assert result.tuned.logloss < result.configured.logloss - 0.01
    assert result.tuned.values["dense_optimizer.learning_rate"] > 1e-5
    assert [size.batch_size for size in result.batch_sizes.sizes] == [128, 256]
    assert all(size.peak_memory_bytes > 10**8 for size in result.batch_sizes.sizes)
    plots = {path.name for path in _output(root, "Tuner", "tuner_results").glob("*.png")}
    assert plots == {"learning_rates.png", "batch_sizes.png", "search.png"}


def test_trainers_are_given_what_was_found_and_keep_what_is_their_own(root, result):
    configs = {}
    for name in ("full", "hashing"):
        record = json.loads(
            (_output(root, f"Trainer_{name}", "model_run") / "training.json").read_text()
        )
        configs[name] = TrainerConfig.model_validate(record["config"])
    assert with_values(configs["full"], result.tuned.values) == configs["full"]
    others = {path: v for path, v in result.tuned.values.items() if path != "batch_size"}
    assert with_values(configs["hashing"], others) == configs["hashing"]
    assert configs["hashing"].batch_size == 200


def test_second_run_takes_the_tuner_from_the_cache(root):
    assert _run(root) == 0
    assert _executed(root) == set()


def test_nothing_unfinished_is_left(root):
    assert list((root / "pipeline_root").glob("*/unfinished/*")) == []
