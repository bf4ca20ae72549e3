import json

import pytest
from tfx.components import Pusher
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.errors import InputError
from components.evaluator.component import VariantEvaluator
from components.evaluator.config import EvaluatorConfig
from components.evaluator.keys import variants_of

VARIANTS = ("full", "hashing", "quotient_remainder")
INPUTS = {"examples"} | {f"{kind}_{name}" for kind in ("model", "model_run") for name in VARIANTS}


def imported(kind, name):
    return Importer(source_uri=f"gs://bucket/{name}", artifact_type=kind).with_id(name)


def make_pipeline(root) -> Pipeline:
    """Returns importers -> Evaluator -> TFX's own Pusher."""
    examples = imported(standard_artifacts.Examples, "Examples")
    models = {name: imported(standard_artifacts.Model, f"Model_{name}") for name in VARIANTS}
    runs = {name: imported(standard_artifacts.ModelRun, f"ModelRun_{name}") for name in VARIANTS}
    evaluator = VariantEvaluator(
        examples=examples.outputs["result"],
        models={name: node.outputs["result"] for name, node in models.items()},
        model_runs={name: node.outputs["result"] for name, node in runs.items()},
        config=EvaluatorConfig(),
    )
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(root / "pushed"))
    )
    pusher = Pusher(
        model=evaluator.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=destination,
    )
    return Pipeline(
        pipeline_name="compare",
        pipeline_root=str(root),
        components=[examples, *models.values(), *runs.values(), evaluator, pusher],
    )


def test_component_compiles_for_the_local_runner(tmp_path):
    nodes = Compiler().compile(make_pipeline(tmp_path)).nodes
    (node,) = [n.pipeline_node for n in nodes if n.pipeline_node.node_info.id == "Evaluator"]
    assert set(node.inputs.inputs) == INPUTS
    assert set(node.outputs.outputs) == {"comparison", "predictions", "model", "blessing"}
    assert set(node.parameters.parameters) == {"config", "code_version"}


def test_component_compiles_for_vertex(tmp_path):
    runner = KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image="image"),
        output_dir=str(tmp_path),
        output_filename="pipeline.json",
    )
    runner.run(make_pipeline(tmp_path))
    spec = json.loads((tmp_path / "pipeline.json").read_text())["pipelineSpec"]
    task = spec["root"]["dag"]["tasks"]["Evaluator"]
    assert set(task["inputs"]["artifacts"]) == INPUTS


def channels(kind, *names):
    return {name: Channel(type=kind) for name in names}


def make(model_names, run_names, **config):
    return VariantEvaluator(
        examples=Channel(type=standard_artifacts.Examples),
        models=channels(standard_artifacts.Model, *model_names),
        model_runs=channels(standard_artifacts.ModelRun, *run_names),
        config=EvaluatorConfig(**config),
    )


def test_component_carries_its_config_as_canonical_json():
    component = make(["full"], ["full"], max_auc_loss=0.01)
    assert component.id == "Evaluator"
    assert component.exec_properties["config"] == EvaluatorConfig(max_auc_loss=0.01).to_json()


def test_component_with_an_unknown_baseline_is_refused():
    with pytest.raises(InputError, match="received 'robe'"):
        make(["full"], ["full"], baseline="robe")


def test_component_with_a_run_missing_names_both_sides():
    with pytest.raises(ValueError, match=r"\['a', 'full'\], model_runs has \['full'\]"):
        make(["full", "a"], ["full"])


def test_component_with_variants_that_share_a_key_is_refused():
    with pytest.raises(ValueError, match="share an input key"):
        make(["full", "x", "run_x"], ["full", "x", "run_x"])


def test_variants_come_back_from_the_keys():
    assert variants_of(INPUTS) == sorted(VARIANTS)
    assert variants_of(["model_run_x", "model_run_run_x"]) == ["run_x"]
