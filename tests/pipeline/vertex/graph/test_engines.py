import json

import pytest
from tfx.utils import json_utils

from components.errors import InputError
from pipeline.load_config import load_config
from pipeline.pipeline import create_pipeline
from pipeline.vertex.graph.engines import place
from pipeline.vertex.site import Site

SITE = Site(
    "p1",
    "us-central1",
    "gs://b/runs",
    "image:1",
    tpu_image="tpu-image:1",
    gpu_image="gpu-image:1",
)
BEAM_STEPS = {"ExampleGen", "StatisticsGen", "Transform", "Evaluator"}
TUNER = "tuner.search.fields={embedding_dim: {values: [2, 4]}}"
T4 = "{accelerator_type: NVIDIA_TESLA_T4, accelerator_count: %s}"
V5E = "{machine_type: ct5lp-hightpu-4t, tpu_topology: 2x2}"


def _placed(*assignments, target="vertex", site=SITE):
    """Step id -> step, of the tiny preset."""
    config = load_config("tiny", assignments=assignments)
    pipeline = create_pipeline(config, "gs://b/day_*.tsv", site.pipeline_root, "gs://b/serving")
    place(pipeline, config, site, target)
    return {step.id: step for step in pipeline.components}


def _job(step):
    return json_utils.loads(step.exec_properties["custom_config"])["vertex_job"]


def _container(step):
    [pool, *_] = _job(step)["job"]["jobSpec"]["workerPoolSpecs"]
    return pool["containerSpec"]


def _device(trainer):
    custom = json_utils.loads(trainer.exec_properties["custom_config"])
    return json.loads(custom["config"])["device"]


def _beam(step):
    return step.executor_spec.beam_pipeline_args


def test_beam_runs_in_threads_of_the_steps_that_gain_from_it():
    steps = _placed()
    threaded = {name for name in BEAM_STEPS if _beam(steps[name])}
    assert threaded == {"ExampleGen", "Transform", "Evaluator"}
    assert "--direct_num_workers=0" in _beam(steps["Transform"])


def test_threads_in_a_cluster_are_those_that_the_container_asks_for():
    steps = _placed("vertex.tasks.Transform.cpu_cores=6", target="kfp")
    assert "--direct_num_workers=6" in _beam(steps["Transform"])
    assert "--direct_num_workers=4" in _beam(steps["Evaluator"])


@pytest.mark.parametrize("target", ["vertex", "kfp"])
def test_dataflow_runs_every_beam_step(target):
    steps = _placed("vertex.dataflow={}", target=target)
    for name in BEAM_STEPS:
        assert _beam(steps[name])[:3] == [
            "--runner=DataflowRunner",
            "--project=p1",
            "--region=us-central1",
        ]


def test_steps_ask_for_what_is_configured():
    steps = _placed("vertex.task.memory=8GB", "vertex.tasks.Transform={cpu_cores: 16}")
    resources = {name: steps[name].platform_config for name in ("Transform", "Pusher")}
    assert (resources["Transform"].cpu_limit, resources["Transform"].memory_limit) == (16, 8)
    assert (resources["Pusher"].cpu_limit, resources["Pusher"].memory_limit) == (4, 8)


def test_unknown_step_is_refused():
    with pytest.raises(InputError, match=r"vertex\.tasks: expected steps \(ExampleGen, .*'Train'"):
        _placed("vertex.tasks.Train={}")


def test_trainer_is_the_job_of_its_variant():
    steps = _placed("vertex.trainers.hashing=" + T4 % 1, "vertex.labels.team=ads")
    job = _job(steps["Trainer_hashing"])
    assert (job["project"], job["region"], job["endpoint"]) == ("p1", "us-central1", None)
    assert job["executor_class_path"] == "tfx.components.trainer.executor.GenericExecutor"
    assert job["job"]["displayName"] == "Trainer_hashing"
    assert job["job"]["labels"] == {"team": "ads"}
    [pool] = job["job"]["jobSpec"]["workerPoolSpecs"]
    assert pool["machineSpec"] == {
        "machineType": "n1-standard-8",
        "acceleratorType": "NVIDIA_TESLA_T4",
        "acceleratorCount": 1,
    }
    assert _container(steps["Trainer_full"])["imageUri"] == "image:1"
    assert _job(steps["Trainer_full"])["job"]["jobSpec"]["workerPoolSpecs"][0]["machineSpec"] == {
        "machineType": "n1-standard-8"
    }


def test_trainer_keeps_its_own_configuration():
    custom = json_utils.loads(_placed()["Trainer_full"].exec_properties["custom_config"])
    assert json.loads(custom["config"])["variant"] == "full"
    assert custom["code_version"]


def test_replicas_of_a_variant_have_jobs_of_their_own():
    steps = _placed("seeds=2", "vertex.trainers.full=" + T4 % 1)
    names = [_job(steps[name])["job"]["displayName"] for name in steps if "Trainer_full" in name]
    assert names == ["Trainer_full", "Trainer_full_Seed1"]


def test_tpu_trainer_runs_in_the_tpu_image():
    steps = _placed("vertex.trainers.full=" + V5E)
    assert _container(steps["Trainer_full"])["imageUri"] == "tpu-image:1"
    assert _container(steps["Trainer_hashing"])["imageUri"] == "image:1"


def test_tpu_trainer_without_a_tpu_image_runs_in_the_common_one():
    site = Site("p1", "us-central1", "gs://b/runs", "image:1")
    steps = _placed("vertex.trainers.full=" + V5E, site=site)
    assert _container(steps["Trainer_full"])["imageUri"] == "image:1"


@pytest.mark.parametrize(("count", "device"), [(1, "gpu"), (2, "multi_gpu")])
def test_gpu_trainer_runs_in_the_gpu_image_and_must_see_its_gpus(count, device):
    steps = _placed("vertex.trainers.full=" + T4 % count)
    assert _container(steps["Trainer_full"])["imageUri"] == "gpu-image:1"
    assert _device(steps["Trainer_full"]) == device
    assert _device(steps["Trainer_hashing"]) == "auto"


def test_device_that_is_configured_stays():
    steps = _placed(
        "vertex.trainers.full={num_workers: 2, accelerator_type: NVIDIA_TESLA_T4, "
        "accelerator_count: 1}",
        "variants.full.device=multi_worker",
    )
    assert _device(steps["Trainer_full"]) == "multi_worker"


def test_jobs_on_this_machine_take_the_device_that_is_there():
    site = Site("p1", "r", "/runs", "image", endpoint="http://127.0.0.1:8080")
    steps = _placed("vertex.trainers.full=" + T4 % 1, site=site)
    assert _device(steps["Trainer_full"]) == "auto"


def test_tuner_on_gpus_must_see_them_too():
    step = _placed(TUNER, "vertex.tuner=" + T4 % 1)["Tuner"]
    assert json.loads(step.exec_properties["trainer"])["device"] == "gpu"


def test_several_workers_run_the_executor_that_knows_its_place():
    steps = _placed("vertex.trainers.full={num_workers: 4}", "variants.full.device=multi_worker")
    job = _job(steps["Trainer_full"])
    assert job["executor_class_path"] == (
        "pipeline.vertex.jobs.custom_job_executor.WorkerTrainerExecutor"
    )
    counts = [pool["replicaCount"] for pool in job["job"]["jobSpec"]["workerPoolSpecs"]]
    assert counts == ["1", "3"]


def test_machines_that_do_not_suit_the_trainer_are_refused():
    with pytest.raises(InputError, match=r"vertex\.trainers\.full: full on 1 x n1-standard-8"):
        _placed("variants.full.device=gpu")


def test_tuner_searches_in_its_own_container_unless_it_has_machines():
    step = _placed(TUNER)["Tuner"]
    assert not step.exec_properties.get("custom_config")
    assert step.executor_spec.executor_class.__module__ == "components.trainer.tuning.executor"


def test_tuner_with_machines_is_a_job_with_a_pool_for_the_trials():
    step = _placed(TUNER, "vertex.tuner={num_workers: 3}")["Tuner"]
    job = _job(step)
    assert job["executor_class_path"] == "components.trainer.tuning.executor.Executor"
    counts = [pool["replicaCount"] for pool in job["job"]["jobSpec"]["workerPoolSpecs"]]
    assert counts == ["1", "2"]


def test_workers_of_a_tuner_start_anew_alone_and_those_of_a_trainer_together():
    workers = "{num_workers: 3}"
    tuner = _placed(TUNER, f"vertex.tuner={workers}")["Tuner"]
    fields = ("variants.full.device=multi_worker", f"vertex.trainers.full={workers}")
    trainer = _placed(*fields, "trainer.batch_size=96")["Trainer_full"]
    restarts = [
        _job(step)["job"]["jobSpec"]["scheduling"]["restartJobOnWorkerRestart"]
        for step in (tuner, trainer)
    ]
    assert restarts == [False, True]


def test_tuner_in_its_own_container_has_no_gpu_to_train_on():
    with pytest.raises(InputError, match=r"vertex\.tuner: .*auto or cpu, received gpu"):
        _placed(TUNER, "trainer.device=gpu", "vertex.trainer=" + T4 % 1)


def test_cluster_trains_in_the_containers_of_the_steps():
    steps = _placed("vertex.trainers.hashing=" + T4 % 2, target="kfp")
    for name in ("Trainer_full", "Trainer_hashing"):
        assert steps[name].executor_spec.executor_class.__module__ == (
            "tfx.components.trainer.executor"
        )
        assert "vertex_job" not in steps[name].exec_properties["custom_config"]
    assert _device(steps["Trainer_hashing"]) == "multi_gpu"
    gpus = steps["Trainer_hashing"].platform_config.accelerator
    assert (gpus.type, gpus.count) == ("nvidia.com/gpu", 2)
    assert not steps["Trainer_full"].platform_config.accelerator.count


@pytest.mark.parametrize(
    "assignments",
    [
        ["vertex.trainers.full=" + V5E],
        ["vertex.trainers.full={num_workers: 2}", "variants.full.device=multi_worker"],
    ],
)
def test_cluster_refuses_machines_that_are_no_single_container(assignments):
    with pytest.raises(InputError, match="Trainer_full: a Kubeflow Pipelines server runs it in"):
        _placed(*assignments, target="kfp")


def test_cluster_refuses_an_endpoint():
    with pytest.raises(InputError, match=r"vertex\.endpoint: .*expected none, received ctr"):
        _placed("vertex.endpoint={name: ctr}", target="kfp")


def test_dataflow_without_a_project_is_refused():
    with pytest.raises(InputError, match=r"vertex\.dataflow: .*--project and --region"):
        _placed("vertex.dataflow={}", target="kfp", site=Site("", "", "gs://b/runs", "image"))


def test_caching_follows_the_configuration():
    config = load_config("tiny", assignments=["vertex.enable_caching=false"])
    pipeline = create_pipeline(config, "gs://b/day_*.tsv", "gs://b/runs", "gs://b/serving")
    place(pipeline, config, SITE, "vertex")
    assert not pipeline.enable_cache


def test_pusher_leaves_the_model_in_the_folder_unless_there_is_an_endpoint():
    assert _placed()["Pusher"].executor_spec.executor_class.__module__ == (
        "tfx.components.pusher.executor"
    )


def test_pusher_with_an_endpoint_deploys_there():
    step = _placed("vertex.endpoint={name: ctr}")["Pusher"]
    assert step.executor_spec.executor_class.__name__ == "EndpointPusherExecutor"
    custom = json_utils.loads(step.exec_properties["custom_config"])
    assert custom["ai_platform_serving_args"]["endpoint_name"] == "ctr"
