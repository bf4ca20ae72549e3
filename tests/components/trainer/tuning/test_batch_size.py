import logging
import subprocess

import pytest
import tensorflow as tf

from components.errors import InputError
from components.progress import PROGRESS_LOGGER
from components.trainer.hyperparameters import with_values
from components.trainer.tuning import batch_size, batch_size_measure, batch_size_process
from components.trainer.tuning.batch_size import compare_batch_sizes
from components.trainer.tuning.batch_size_measure import Measured, Measurement, measure
from components.trainer.tuning.batch_size_process import measure_in_process
from components.trainer.tuning.config import BatchSizesConfig
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.memory import peak_bytes
from components.trainer.tuning.trials import train_once
from tests.components.trainer.small_log import CONFIG

HELPERS = "tests.components.trainer.tuning.processes"
GIGABYTE = 10**9


@pytest.fixture
def measurement(rows):
    config = with_values(CONFIG, {"epochs": 1})
    return Measurement(config=config, num_seeds=1, **vars(rows))


def test_measurement_holds_speed_memory_and_quality(measurement, rows):
    measured = measure(measurement)
    assert measured.logloss == train_once(measurement.config, rows)[0]
    assert measured.train_examples_per_second > 0
    assert 0.2 * peak_bytes() < measured.peak_memory_bytes <= peak_bytes()


def test_training_that_diverges_is_measured_without_a_logloss(measurement):
    config = with_values(measurement.config, {"dense_optimizer": {"name": "sgd"}})
    config = with_values(config, {"dense_optimizer.learning_rate": 1e30})
    measured = measure(measurement.model_copy(update={"config": config}))
    assert measured.logloss is None
    assert not measured.out_of_memory


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore"), "OOM when"),
        (MemoryError("Unable to allocate 9 TiB"), "MemoryError Unable to allocate 9 TiB"),
    ],
)
def test_lack_of_memory_in_this_process_is_a_result(measurement, monkeypatch, error, text):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(batch_size_measure, "train_seeds", fail)
    measured = measure(measurement)
    assert measured.out_of_memory.startswith(text)
    assert "\n" not in measured.out_of_memory


@pytest.mark.slow
def test_process_of_its_own_gives_what_this_one_gives(measurement):
    here = measure(measurement)
    there = measure_in_process(measurement, 4 * GIGABYTE, "batch size 64")
    assert there.logloss == pytest.approx(here.logloss, rel=1e-6)
    assert there.train_examples_per_second > 0
    # Python with TensorFlow, without what the other tests have loaded.
    assert 0.2 * GIGABYTE < there.peak_memory_bytes < GIGABYTE


@pytest.mark.slow
def test_progress_of_the_process_is_reported_here(measurement, monkeypatch, caplog):
    caplog.set_level(logging.INFO, PROGRESS_LOGGER)
    monkeypatch.setattr(batch_size_process, "_MODULE", f"{HELPERS}.reporting")
    measured = measure_in_process(measurement, 4 * GIGABYTE, "batch size 64")
    assert measured == Measured(logloss=0.5)
    assert caplog.messages == ["batch size 64: half of it"]


def test_process_that_takes_too_much_memory_is_ended(measurement):
    measured = measure_in_process(measurement, 10**6, "x")
    assert measured == Measured(out_of_memory="more than 1,000,000 bytes")


def test_process_that_the_kernel_ends_is_out_of_memory(measurement, monkeypatch):
    monkeypatch.setattr(batch_size_process, "_MODULE", f"{HELPERS}.killed")
    measured = measure_in_process(measurement, GIGABYTE, "x")
    assert measured == Measured(out_of_memory="ended by signal 9")


def test_process_that_fails_for_another_reason_is_an_error(measurement, monkeypatch):
    monkeypatch.setattr(batch_size_process, "_MODULE", f"{HELPERS}.broken")
    with pytest.raises(RuntimeError, match=r"(?s)batch size 9: .*ended with 1.*KeyError: 'a bug'"):
        measure_in_process(measurement, GIGABYTE, "batch size 9")


def test_interrupt_ends_the_process_too(measurement, monkeypatch):
    started = []
    popen = subprocess.Popen

    def spy(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch_size_process, "_MODULE", f"{HELPERS}.endless")
    monkeypatch.setattr(batch_size_process.subprocess, "Popen", spy)
    monkeypatch.setattr(batch_size_process, "peak_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure_in_process(measurement, GIGABYTE, "x")
    assert started[0].returncode == -9


@pytest.fixture
def compare(rows, tmp_path, monkeypatch):
    """Compares batch sizes by what a function says of each configuration."""
    asked = []

    def run(say, **options):
        def fake(measurement, max_memory_bytes, name):
            asked.append((measurement.config.batch_size, max_memory_bytes))
            return say(measurement.config)

        monkeypatch.setattr(batch_size, "measure_in_process", fake)
        options = BatchSizesConfig(min_batch_size=16, max_batch_size=1024, **options)
        journal = Journal(str(tmp_path / "journal"))
        return compare_batch_sizes(CONFIG, rows, options, 1, journal)

    run.asked = asked
    return run


def faster_but_worse(config):
    size = config.batch_size
    return Measured(
        train_examples_per_second=1.0 * size, peak_memory_bytes=size, logloss=0.4 + size / 1e4
    )


def test_sizes_are_tried_from_small_to_large(compare):
    # 560 rows to train on: none above 56, but the configured 64.
    result = compare(faster_but_worse, max_logloss_increase=0.0016)
    assert [size.batch_size for size in result.sizes] == [16, 32, 64]
    assert result.suggested == 32


def test_first_size_without_memory_is_the_last_one(compare):
    def say(config):
        is_large = config.batch_size > 16
        return Measured(out_of_memory="no room") if is_large else faster_but_worse(config)

    result = compare(say)
    assert [size.out_of_memory for size in result.sizes] == ["", "no room"]
    assert result.suggested == 16


def test_interrupted_comparison_goes_on_where_it_was(compare):
    def interrupted(config):
        if config.batch_size > 16:
            raise KeyboardInterrupt
        return faster_but_worse(config)

    with pytest.raises(KeyboardInterrupt):
        compare(interrupted)
    result = compare(faster_but_worse)
    assert [size for size, _ in compare.asked] == [16, 32, 32, 64]
    assert [size.batch_size for size in result.sizes] == [16, 32, 64]


def test_memory_of_every_size_is_bounded_by_what_is_free(compare):
    compare(faster_but_worse)
    assert all(10**7 < limit < 10**14 for _, limit in compare.asked)


def test_configured_bound_of_the_memory_is_kept(compare):
    compare(faster_but_worse, max_memory_bytes=12345)
    assert {limit for _, limit in compare.asked} == {12345}


def test_no_size_that_can_be_trained_is_an_error(compare):
    with pytest.raises(InputError, match="none of 16 could be trained: no room"):
        compare(lambda config: Measured(out_of_memory="no room"))
