"""What the runs of a study hold, and what they share."""

import datetime

import pytest

from components.errors import InputError
from pipeline.study.config import StudyConfig
from pipeline.study.grid import make_groups
from pipeline.study.vertex.cell_runs import cell_runs
from pipeline.study.vertex.vertex_study import compile_run, labelled
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.runs.submission import new_job_id, pipeline_request
from pipeline.vertex.site import Site

SITE = Site("ads-12345", "us-central1", "gs://clicks/runs", "gcr.io/ads/dlrm:1", "gcr.io/ads/gpu:1")
DATA = "gs://clicks/log/day_*"
T4 = {"accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 1}


def runs(site=SITE, data=DATA, **fields):
    study = StudyConfig(
        preset="tiny",
        datasets=["1MB"],
        variants={"full": {}, "hashing": {"embedding": {"method": "hashing"}}},
        seeds=2,
        **fields,
    )
    return cell_runs(make_groups(study, "x"), site, data)


def test_baseline_goes_first_and_is_beside_the_others():
    first, second = runs(baseline="hashing")
    assert (first.cell.name, first.leader, first.baseline) == ("dlrm_hashing", None, None)
    assert list(first.config.variants) == ["dlrm_hashing"]
    assert second.leader == second.baseline == first.cell
    assert list(second.config.variants) == ["dlrm_hashing", "dlrm_full"]
    assert second.config.evaluator.baseline == "dlrm_hashing"
    assert second.config.seeds == 2


def test_cells_with_other_rows_are_by_themselves():
    *_, first, second = runs(
        methods={"sampling": {"example_gen.negative_sampling_rate": [0.5]}},
        methods_on={"variants": ["full", "hashing"]},
    )
    assert first.leader is None
    assert second.leader == first.cell
    assert second.baseline is None
    assert list(second.config.variants) == [second.cell.name]


def test_cells_take_the_machines_of_their_device():
    found = runs(devices=["cpu", "gpu"], set={"vertex": {"trainers": {"gpu": T4}}})
    machines = {each.cell.name: each.config.vertex.machine_of(each.cell.name) for each in found}
    assert {name: machine.accelerator_count for name, machine in machines.items()} == {
        "dlrm_full": 0,
        "dlrm_hashing": 0,
        "dlrm_full_gpu": 1,
        "dlrm_hashing_gpu": 1,
    }


def test_machines_of_an_unknown_device_are_refused():
    with pytest.raises(InputError, match="expected some of cpu; received 'gpu'"):
        runs(set={"vertex": {"trainers": {"gpu": T4}}})


@pytest.mark.parametrize(
    "changes", [{"data": "gs://clicks/other/*"}, {"set": ["trainer.epochs=2"]}]
)
def test_digest_tells_what_a_run_is_made_from(changes):
    before, after = runs(), runs(**changes)
    assert [each.digest for each in runs()] == [each.digest for each in before]
    assert all(old.digest != new.digest for old, new in zip(before, after, strict=True))


@pytest.fixture(scope="module")
def jobs():
    """The compiled pipelines of four cells, the baseline's first."""
    found = runs(devices=["cpu", "gpu"], set={"vertex": {"trainers": {"gpu": T4}}})
    return [labelled(compile_run(each, SITE, DATA), each) for each in found]


def test_requests_have_the_form_that_the_api_wants(jobs):
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    made = [pipeline_request(job, VertexConfig(), SITE, new_job_id(job, now)) for job in jobs]
    assert made[1].pipeline_job_id.startswith("dlrm-approx-1mb-dlrm-hashing-20260102030405-")
    assert made[1].pipeline_job.labels["study_cell"] == "dlrm_hashing"
    assert len({request.pipeline_job_id for request in made}) == len(jobs)


def test_shared_steps_are_the_same_in_all_runs_and_nothing_is_pushed(jobs):
    """The keys of Vertex AI's cache are made of these."""
    rows = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"]
    shared = [*rows, "Trainer_dlrm_full", "Trainer_dlrm_full_Seed1"]
    first, *others = (job["pipelineSpec"] for job in jobs)
    assert set(first["root"]["dag"]["tasks"]) == {*shared, "Evaluator"}
    for spec in others:
        assert "Pusher" not in spec["root"]["dag"]["tasks"]
        for step in shared:
            task = spec["root"]["dag"]["tasks"][step]
            assert task == first["root"]["dag"]["tasks"][step]
            assert task["cachingOptions"]["enableCache"]
            label = spec["components"][step]["executorLabel"]
            for part in ("components", "deploymentSpec"):
                old, new = (each[part].get("executors", each[part]) for each in (first, spec))
                key = label if part == "deploymentSpec" else step
                assert new[key] == old[key]
