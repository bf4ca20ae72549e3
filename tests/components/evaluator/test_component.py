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

VARIANTS = ("full", "hashing", "run_0_full")
NUM_SEEDS = 2
INPUTS = {"examples", "transformed_examples", "transform_graph"} | {
    f"{kind}_{index}_{name}"
    for kind in ("model", "model_run")
    for index in range(NUM_SEEDS)
    for name in VARIANTS
}
OUTPUTS = {"comparison", "predictions", "model", "blessing"} | {
    f"blessing_{name}" for name in VARIANTS
}


def imported(kind, name):
    return Importer(source_uri=f"gs://bucket/{name}", artifact_type=kind).with_id(name)


def imported_replicas(kind, name):
    return {
        variant: [imported(kind, f"{name}_{variant}_{index}") for index in range(NUM_SEEDS)]
        for variant in VARIANTS
    }


def results(nodes):
    return {name: [node.outputs["result"] for node in own] for name, own in nodes.items()}


def make_pipeline(root) -> Pipeline:
    """Returns importers -> Evaluator -> TFX's own Pusher."""
    examples = imported(standard_artifacts.Examples, "Examples")
    transformed = imported(standard_artifacts.Examples, "Transformed")
    graph = imported(standard_artifacts.TransformGraph, "Graph")
    models = imported_replicas(standard_artifacts.Model, "Model")
    runs = imported_replicas(standard_artifacts.ModelRun, "ModelRun")
    evaluator = VariantEvaluator(
        examples=examples.outputs["result"],
        transformed_examples=transformed.outputs["result"],
        transform_graph=graph.outputs["result"],
        models=results(models),
        model_runs=results(runs),
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
    replicas = [node for nodes in (models, runs) for own in nodes.values() for node in own]
    return Pipeline(
        pipeline_name="compare",
        pipeline_root=str(root),
        components=[examples, transformed, graph, *replicas, evaluator, pusher],
    )


def test_component_compiles_for_the_local_runner(tmp_path):
    nodes = Compiler().compile(make_pipeline(tmp_path)).nodes
    (node,) = [n.pipeline_node for n in nodes if n.pipeline_node.node_info.id == "Evaluator"]
    assert set(node.inputs.inputs) == INPUTS
    assert set(node.outputs.outputs) == OUTPUTS
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


def make(num_models, num_runs, **config):
    """Returns the component for variant -> its number of models and of runs."""

    def channels(kind, counts):
        return {name: [Channel(type=kind) for _ in range(n)] for name, n in counts.items()}

    return VariantEvaluator(
        examples=Channel(type=standard_artifacts.Examples),
        transformed_examples=Channel(type=standard_artifacts.Examples),
        transform_graph=Channel(type=standard_artifacts.TransformGraph),
        models=channels(standard_artifacts.Model, num_models),
        model_runs=channels(standard_artifacts.ModelRun, num_runs),
        config=EvaluatorConfig(**config),
    )


def test_component_carries_its_config_as_canonical_json():
    component = make({"full": 1}, {"full": 1}, max_auc_loss=0.01)
    assert component.id == "Evaluator"
    assert component.exec_properties["config"] == EvaluatorConfig(max_auc_loss=0.01).to_json()


def test_component_with_an_unknown_baseline_is_refused():
    with pytest.raises(InputError, match="received 'robe'"):
        make({"full": 1}, {"full": 1}, baseline="robe")


def test_component_with_a_run_missing_names_both_sides():
    with pytest.raises(ValueError, match=r"'full': 1, 'a': 1\}, model_runs \{'full': 1\}"):
        make({"full": 1, "a": 1}, {"full": 1})


def test_component_with_unequal_numbers_of_replicas_is_refused():
    with pytest.raises(ValueError, match=r"'full': 2, 'a': 1"):
        make({"full": 2, "a": 1}, {"full": 2, "a": 1})
