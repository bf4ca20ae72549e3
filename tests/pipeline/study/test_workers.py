import os
import time

import pytest

from pipeline.study import worker
from pipeline.study.worker import Step
from pipeline.study.workers import Job, Workers
from tests.pipeline.study import small_worker


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs step ids with processes that import no TFX; returns id -> how it ended."""
    monkeypatch.setattr(worker, "main", small_worker.main)

    def run_ids(ids, num_workers=2, accelerated=(), on_tick=lambda running: None):
        ended = {}
        jobs = [Job(each, Step(None, each), each in accelerated) for each in ids]
        with Workers(num_workers, 1, tmp_path) as workers:
            workers.run(jobs, lambda key, how: ended.setdefault(key, how), on_tick)
        return ended

    return run_ids


def process_of(ended):
    return int(ended.outputs["told"].split()[0])


def test_processes_take_step_after_step(run):
    ended = run([f"ok:{number}" for number in range(8)])
    assert len(ended) == 8
    assert all(each.error is None for each in ended.values())
    assert len({process_of(each) for each in ended.values()}) <= 2


def test_a_failure_stops_no_other_step(run):
    ended = run(["fail:1", "ok:1", "fail:2", "ok:2"], num_workers=1)
    assert [each.error for each in ended.values()] == ["it failed", None, "it failed", None]


def test_a_process_that_is_killed_fails_its_step_and_is_replaced(run):
    ended = run(["ok:1", "kill:1", "ok:2"], num_workers=1)
    assert ended["kill:1"].error == (
        "its process was killed (signal 9), as the kernel does where memory runs out"
    )
    assert (ended["ok:1"].error, ended["ok:2"].error) == (None, None)
    assert process_of(ended["ok:1"]) != process_of(ended["ok:2"])


def test_a_process_that_ends_in_its_last_step_fails_it(run):
    ended = run(["exit:1"], num_workers=1)
    assert ended["exit:1"].error == "its process ended with status 3"


def test_one_process_alone_sees_accelerators(run):
    ids = [f"{kind}:{number}" for number in range(3) for kind in ("cpu", "gpu")]
    ended = run(ids, num_workers=2, accelerated=[each for each in ids if each.startswith("gpu")])
    told = {each: how.outputs["told"] for each, how in ended.items()}
    assert all(text.endswith("True") for each, text in told.items() if each.startswith("gpu"))
    assert len({text for each, text in told.items() if each.startswith("gpu")}) == 1
    assert len(told) == 6


def test_without_accelerated_steps_no_process_sees_them(run):
    assert run(["ok:1"])["ok:1"].outputs["told"].endswith("False")


def test_ticks_tell_what_runs(run):
    seen = []

    def tick(running):
        seen.append(dict(running))
        if running.get("slow:1") == "at work":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(["slow:1"], on_tick=tick)
    assert seen[0] == {}
    assert {"slow:1": ""} in seen


def test_an_interrupt_ends_the_processes(monkeypatch, tmp_path):
    monkeypatch.setattr(worker, "main", small_worker.main)
    processes = []

    def tick(running):
        if running.get("slow:1") == "at work":
            processes.extend(each.process.pid for each in workers._workers)
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Workers(1, 1, tmp_path) as workers:
        workers.run([Job("slow:1", Step(None, "slow:1"))], lambda key, how: None, tick)
    assert time.monotonic() - start < 30
    [process] = processes
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_process_that_cannot_start_stops_the_study(monkeypatch, tmp_path):
    monkeypatch.setattr(worker, "main", small_worker.dead_at_start)
    message = "a training process ended with status 1:\nfirst line\nno such library"
    with pytest.raises(RuntimeError, match=message), Workers(1, 1, tmp_path) as workers:
        workers.run([Job("a", Step(None, "a"))], lambda key, how: None, lambda running: None)
