import logging
import subprocess
import sys
from itertools import accumulate
from math import comb

import numpy as np
import pytest

from components.errors import InputError
from components.evaluator.config import LatencyConfig
from components.evaluator.latency import measure as module
from components.evaluator.latency.measure import measure_latency, summarize
from components.progress import PROGRESS_LOGGER
from tests.components.evaluator.tiny import raw_rows, save_model

ROWS = raw_rows([0, 1, 0], [2, None, -4], [b"aa", b"aa", None])


def test_figures_of_101_calls_by_hand():
    # 0, 1, ... 100 ms in any order.
    nanoseconds = [1_000_000 * (7 * n % 101) for n in range(101)]
    result = summarize(128, nanoseconds, 0.95)
    assert (result.batch_size, result.num_calls) == (128, 101)
    assert result.p50_ms == pytest.approx(50.0)
    assert result.p99_ms == pytest.approx(99.0)
    assert result.examples_per_second == pytest.approx(128 / 0.05)
    assert result.quantiles_ms == pytest.approx([2.5 * n for n in range(41)])


def test_percentile_between_two_calls_is_linear():
    result = summarize(1, [1_000_000, 2_000_000], 0.95)
    assert result.p50_ms == pytest.approx(1.5)
    assert result.p99_ms == pytest.approx(1.99)


def test_interval_of_the_99th_percentile_is_two_of_the_calls():
    chances = (comb(1000, k) * 0.99**k * 0.01 ** (1000 - k) for k in range(1001))
    chance_that_at_most = list(accumulate(chances))
    # The smallest numbers of calls below the true percentile that 2.5 % and 97.5 % do not exceed.
    low, high = (
        next(n for n in range(1001) if chance_that_at_most[n] >= share) for share in (0.025, 0.975)
    )
    assert (low, high) == (983, 996)
    result = summarize(1, [1_000_000 * n for n in range(1, 1001)], 0.95)
    # The 983rd and the 997th call; the percentile itself lies between the 990th and the 991st.
    assert (result.p99_low_ms, result.p99_high_ms) == pytest.approx((983.0, 997.0))


def test_interval_of_the_99th_percentile_holds_the_true_one_often_enough():
    random = np.random.default_rng(11)
    true = -np.log(0.01) / 1e6  # ms; the calls are exponential with mean 1 ns
    results = [summarize(1, random.exponential(1.0, 800), 0.9) for _ in range(1000)]
    held = np.mean([each.p99_low_ms <= true <= each.p99_high_ms for each in results])
    # At least 0.9, less than 3 standard errors below it.
    assert held > 0.9 - 3 * np.sqrt(0.9 * 0.1 / 1000)


def test_interval_of_the_99th_percentile_of_few_calls_has_no_upper_end():
    # All of 100 calls are faster than the true percentile in 37 % of the cases.
    result = summarize(1, [1_000_000 * n for n in range(1, 101)], 0.95)
    assert result.p99_high_ms is None
    assert result.p99_low_ms == pytest.approx(97.0)


def test_no_batch_size_measures_nothing():
    found = measure_latency({"full": "nowhere"}, ROWS, LatencyConfig(batch_sizes=()), 0.95)
    assert found == {"full": ()}


def test_no_row_is_refused():
    with pytest.raises(InputError, match="latency: expected raw rows"):
        measure_latency({"full": "nowhere"}, ROWS.slice(0, 0), LatencyConfig(), 0.95)


@pytest.fixture
def run_instead(monkeypatch):
    """Runs other Python code as the process that measures; it finds its folder in `sys.argv[1]`."""
    popen = subprocess.Popen

    def use(code: str) -> None:
        def start(command: list[str], **options) -> subprocess.Popen:
            return popen([sys.executable, "-c", code, command[-1]], **options)

        monkeypatch.setattr(module.subprocess, "Popen", start)

    return use


def test_results_come_by_variant_and_batch_size(run_instead, caplog):
    run_instead(
        "import pathlib, sys, time; folder = pathlib.Path(sys.argv[1]);"
        "folder.joinpath('progress').write_text('round 1');"
        "time.sleep(0.4);"
        "folder.joinpath('result.json').write_text("
        """'{"b": [[3000000], [4000000]], "a": [[1000000], [2000000]]}')"""
    )
    config = LatencyConfig(batch_sizes=(4, 1))
    with caplog.at_level(logging.INFO, logger=PROGRESS_LOGGER):
        found = measure_latency({"a": "nowhere", "b": "nowhere"}, ROWS, config, 0.95)
    figures = {name: [(r.batch_size, r.p50_ms) for r in of] for name, of in found.items()}
    assert figures == {
        "a": [(4, pytest.approx(1.0)), (1, pytest.approx(2.0))],
        "b": [(4, pytest.approx(3.0)), (1, pytest.approx(4.0))],
    }
    assert caplog.messages == ["latency: round 1"]


def test_failed_process_is_told_with_its_last_lines(run_instead):
    run_instead("[print(n) for n in range(30)]; raise SystemExit('no memory')")
    with pytest.raises(RuntimeError) as error:
        measure_latency({"full": "nowhere"}, ROWS, LatencyConfig(), 0.95)
    first, *lines = str(error.value).splitlines()
    assert first == "latency: the process that times the models ended with 1"
    assert len(lines) == 20
    assert {"29", "no memory"} <= set(lines)


def test_process_without_progress_is_ended(run_instead, monkeypatch):
    monkeypatch.setattr(module, "_SILENT_SECONDS", 0.5)
    code = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'progress').write_text('loading')"
    run_instead(f"{code}; time.sleep(60)")
    with pytest.raises(RuntimeError, match="showed no progress for 0 s, the last was: loading"):
        measure_latency({"full": "nowhere"}, ROWS, LatencyConfig(), 0.95)


def test_relative_folder_of_a_model_is_found_by_the_process(tmp_path, monkeypatch, run_instead):
    monkeypatch.chdir(tmp_path)
    code = "import pathlib, sys; sys.exit(pathlib.Path(sys.argv[1], 'task.json').read_text())"
    run_instead(code)
    paths = {"full": "model", "remote": "gs://bucket/model"}
    with pytest.raises(RuntimeError, match=rf'"full":"{tmp_path}/model","remote":"gs://bucket/'):
        measure_latency(paths, ROWS, LatencyConfig(), 0.95)


@pytest.mark.slow
def test_models_are_timed_in_a_process_of_their_own(tmp_path, caplog):
    models = {name: str(save_model(tmp_path / name, 0.5)) for name in ("full", "hashing")}
    config = LatencyConfig(batch_sizes=(1, 4), seconds=0.05, max_calls=40)
    with caplog.at_level(logging.INFO, logger=PROGRESS_LOGGER):
        found = measure_latency(models, ROWS, config, 0.95)
    assert list(found) == ["full", "hashing"]
    for results in found.values():
        assert [result.batch_size for result in results] == [1, 4]
        for result in results:
            assert 20 <= result.num_calls <= 40
            # The tiny model takes a fraction of a millisecond.
            assert 0.01 < result.quantiles_ms[0] <= result.p50_ms <= result.p99_ms < 1000.0
    assert caplog.messages[-1].startswith("latency: batch ")


@pytest.mark.slow
def test_model_that_cannot_be_loaded_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"SavedModel file does not exist at: .*missing"):
        measure_latency({"full": str(tmp_path / "missing")}, ROWS, LatencyConfig(), 0.95)
