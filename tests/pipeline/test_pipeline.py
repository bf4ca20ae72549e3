import json

import pytest
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)

from pipeline.config import known_presets, load_config
from pipeline.pipeline import create_pipeline
from schemas.schema_file import known_schemas, load_click_log

BEFORE = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"]


def _create(preset, root, **options):
    return create_pipeline(
        load_config(preset, **options),
        data="logs/day_*.tsv",
        pipeline_root=str(root),
        serving_model_dir=str(root / "serving_model"),
    )


def _compiled_nodes(pipeline):
    return {
        node.pipeline_node.node_info.id: node.pipeline_node
        for node in Compiler().compile(pipeline).nodes
    }


@pytest.mark.parametrize("preset", known_presets())
def test_every_preset_compiles_for_the_local_runner(tmp_path, preset):
    nodes = _compiled_nodes(_create(preset, tmp_path))
    trainers = [f"Trainer_{name}" for name in load_config(preset).variants]
    assert set(nodes) == {*BEFORE, *trainers, "Evaluator", "Pusher"}


def _compiled_for_vertex(tmp_path, pipeline):
    """The tasks of the pipeline that Vertex AI would run, by name."""
    runner = KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image="image"),
        output_dir=str(tmp_path),
        output_filename="pipeline.json",
    )
    runner.run(pipeline)
    spec = json.loads((tmp_path / "pipeline.json").read_text())["pipelineSpec"]
    return spec["root"]["dag"]["tasks"]


@pytest.mark.parametrize("preset", known_presets())
def test_every_preset_compiles_for_vertex(tmp_path, preset):
    tasks = _compiled_for_vertex(tmp_path, _create(preset, tmp_path))
    assert {*BEFORE, "Evaluator", "Pusher"} < set(tasks)


@pytest.mark.parametrize("schema", known_schemas())
def test_every_schema_compiles_for_vertex_with_a_split_by_order(tmp_path, schema):
    split = ["example_gen.split.method=last_rows"]
    tasks = _compiled_for_vertex(
        tmp_path, _create("tiny", tmp_path, schema=schema, assignments=split)
    )
    received = tasks["Transform"]["inputs"]["parameters"]["click_log"]["runtimeValue"]
    assert received["constantValue"]["stringValue"] == load_click_log(schema).to_json()


def test_an_anomaly_comes_before_anything_is_learned(tmp_path):
    nodes = _compiled_nodes(_create("tiny", tmp_path))
    assert "ExampleValidator" in nodes["Transform"].upstream_nodes


def _parameters(nodes):
    return {
        name: node.parameters.SerializeToString(deterministic=True) for name, node in nodes.items()
    }


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("evaluator.max_auc_loss=0.5", {"Evaluator"}),
        ("variants.hashing.seed=7", {"Trainer_hashing"}),
        ("transform.categorical.frequency_threshold=9", {"Transform"}),
        ("example_gen.split.seed=3", {"ExampleGen"}),
        ("synthetic.seed=3", set()),
        ("example_validator.on_anomaly=warn", {"ExampleValidator"}),
        ("click_log.missing_values=['', 'NULL']", {"ExampleGen", "SchemaGen", "Transform"}),
    ],
)
def test_a_changed_value_changes_the_cache_key_of_its_step_only(tmp_path, assignment, changed):
    before = _parameters(_compiled_nodes(_create("tiny", tmp_path)))
    after = _parameters(_compiled_nodes(_create("tiny", tmp_path, assignments=[assignment])))
    assert {name for name in before if before[name] != after[name]} == changed
