import json

import pytest
from tfx.dsl.compiler.compiler import Compiler

from components.errors import InputError
from pipeline.load_config import known_presets, load_config
from pipeline.pipeline import create_pipeline

BEFORE = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"]
TUNER = [
    "tuner.search.fields={embedding_dim: {values: [2, 4]}}",
    "variants.hashing.batch_size=64",
    "variants.full.dense_optimizer={name: sgd}",
]


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
    config = load_config(preset)
    trainers = [f"Trainer_{name}" for name in config.variants]
    tuner = ["Tuner"] if config.tuner else []
    assert set(nodes) == {*BEFORE, *tuner, *trainers, "Evaluator", "Pusher"}


def test_an_anomaly_comes_before_anything_is_learned(tmp_path):
    nodes = _compiled_nodes(_create("tiny", tmp_path))
    assert "ExampleValidator" in nodes["Transform"].upstream_nodes


def test_preflight_comes_before_all_trainers_and_the_tuner(tmp_path):
    nodes = _compiled_nodes(
        _create("tiny", tmp_path, assignments=["preflight.chips=[v3, v5e]", *TUNER])
    )
    assert _inputs(nodes["Preflight"]) == {"transform_graph": {"Transform"}}
    assert "ExampleValidator" in nodes["Preflight"].upstream_nodes
    for name in ("Tuner", "Trainer_full", "Trainer_hashing", "Trainer_quotient_remainder"):
        assert "Preflight" in nodes[name].upstream_nodes
    assert _inputs(nodes["Evaluator"])["preflight"] == {"Preflight"}


def test_preflight_leaves_the_cache_keys_of_all_other_steps_as_they_are(tmp_path):
    before = _parameters(_compiled_nodes(_create("tiny", tmp_path)))
    nodes = _compiled_nodes(_create("tiny", tmp_path, assignments=["preflight.chips=[v5e]"]))
    after = _parameters(nodes)
    assert {name for name in after if before.get(name) != after[name]} == {"Preflight"}


@pytest.mark.parametrize(
    ("assignments", "is_there"),
    [
        (["trainer.device=tpu"], True),
        (["variants.full.device=tpu"], True),
        (["trainer.device=tpu", "preflight.enabled=false"], False),
        (["trainer.device=cpu"], False),
    ],
)
def test_preflight_is_there_where_a_variant_trains_on_tpus(tmp_path, assignments, is_there):
    nodes = _compiled_nodes(_create("tiny", tmp_path, assignments=assignments))
    assert ("Preflight" in nodes) == is_there


def test_batch_that_the_chips_cannot_share_is_refused():
    with pytest.raises(InputError, match=r"preflight\.num_chips: expected a divisor of the batch"):
        load_config("tiny", assignments=["preflight.num_chips=7", "trainer.batch_size=64"])


def _parameters(nodes):
    return {
        name: node.parameters.SerializeToString(deterministic=True) for name, node in nodes.items()
    }


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("evaluator.max_auc_loss=0.5", {"Evaluator"}),
        ("evaluator.constraints.max_serving_bytes=1MB", {"Evaluator"}),
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


def test_seeds_add_replicas_and_leave_the_first_as_it_is(tmp_path):
    one = _compiled_nodes(_create("tiny", tmp_path, variants=["full", "hashing"]))
    two = _compiled_nodes(
        _create("tiny", tmp_path, variants=["full", "hashing"], assignments=["seeds=2"])
    )
    assert set(two) - set(one) == {"Trainer_full_Seed1", "Trainer_hashing_Seed1"}
    assert _parameters(one)["Trainer_full"] == _parameters(two)["Trainer_full"]
    seeds = [
        json.loads(_custom_config(two[name])["config"])["seed"]
        for name in ("Trainer_full", "Trainer_full_Seed1")
    ]
    assert seeds == [0, 1]
    assert _inputs(two["Evaluator"])["model_1_hashing"] == {"Trainer_hashing_Seed1"}
    assert _inputs(two["Evaluator"])["model_run_0_full"] == {"Trainer_full"}


def test_evaluator_reads_the_rows_before_and_after_the_transform(tmp_path):
    inputs = _inputs(_compiled_nodes(_create("tiny", tmp_path))["Evaluator"])
    assert inputs["examples"] == {"ExampleGen"}
    assert inputs["transformed_examples"] == inputs["transform_graph"] == {"Transform"}


def _inputs(node):
    """Key -> the steps that its artifacts come from."""
    return {
        key: {channel.producer_node_query.id for channel in value.channels}
        for key, value in node.inputs.inputs.items()
    }


def test_tuner_reads_transformed_rows_and_every_trainer_reads_what_it_found(tmp_path):
    nodes = _compiled_nodes(_create("tiny", tmp_path, assignments=TUNER))
    assert _inputs(nodes["Tuner"]) == {
        "examples": {"Transform"},
        "transform_graph": {"Transform"},
    }
    for name in ("full", "hashing", "quotient_remainder"):
        assert _inputs(nodes[f"Trainer_{name}"])["hyperparameters"] == {"Tuner"}


def _custom_config(node):
    return json.loads(node.parameters.parameters["custom_config"].field_value.string_value)


def test_trainers_know_which_fields_their_variant_sets_itself(tmp_path):
    nodes = _compiled_nodes(_create("tiny", tmp_path, assignments=TUNER))
    own = {
        name: _custom_config(nodes[f"Trainer_{name}"])["own_fields"] for name in ("full", "hashing")
    }
    assert own == {
        "full": ["dense_optimizer", "embedding"],
        "hashing": ["batch_size", "embedding"],
    }


def test_without_a_tuner_trainers_have_no_trace_of_it(tmp_path):
    nodes = _compiled_nodes(_create("tiny", tmp_path))
    assert "Tuner" not in nodes
    assert "hyperparameters" not in _inputs(nodes["Trainer_full"])
    assert set(_custom_config(nodes["Trainer_full"])) == {"config", "code_version"}


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("tuner.max_rows=1000", {"Tuner"}),
        ("variants.quotient_remainder.seed=7", {"Trainer_quotient_remainder"}),
        ("variants.full.seed=7", {"Tuner", "Trainer_full"}),
        ("tuner.variant=hashing", {"Tuner"}),
    ],
)
def test_a_changed_value_changes_the_cache_key_of_the_tuner_if_it_tunes_with_it(
    tmp_path, assignment, changed
):
    before = _parameters(_compiled_nodes(_create("tiny", tmp_path, assignments=TUNER)))
    after = _parameters(
        _compiled_nodes(_create("tiny", tmp_path, assignments=[*TUNER, assignment]))
    )
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize(
    ("assignments", "sources"),
    [
        (TUNER, {"full.py"}),
        ([*TUNER, "tuner.variant=hashing"], {"full.py", "hashing.py"}),
        (
            ["tuner.search.fields={embedding.method: {values: [hashing, quotient_remainder]}}"],
            {"full.py", "hashing.py", "quotient_remainder.py"},
        ),
    ],
)
def test_code_of_the_tuner_is_that_of_the_methods_it_trains(
    tmp_path, monkeypatch, assignments, sources
):
    asked = []
    monkeypatch.setattr(
        "components.trainer.tuning.component.code_version",
        lambda patterns: asked.extend(patterns) or "1",
    )
    _create("tiny", tmp_path, assignments=assignments)
    folders = ("trainer", "trainer/loop", "trainer/embeddings/parts", "trainer/tuning")
    common = {f"components/{folder}/*.py" for folder in folders}
    embeddings = {f"components/trainer/embeddings/{name}" for name in sources}
    shared = {f"components/trainer/embeddings/{name}" for name in ("__init__.py", "base.py")}
    assert set(asked) == common | shared | embeddings
