from components.evaluator.keys import (
    blessing_key,
    model_key,
    model_run_key,
    replica_name,
    replicas_of,
)


def test_first_replica_has_the_name_of_its_variant():
    assert [replica_name("full", index) for index in range(3)] == ["full", "full:1", "full:2"]


def test_replicas_come_back_from_the_keys():
    variants = {"full": 2, "run_0_full": 2, "seed_1": 2}
    keys = [
        key(name, index)
        for name, count in variants.items()
        for index in range(count)
        for key in (model_key, model_run_key)
    ]
    assert len(set(keys)) == 12
    assert replicas_of(["examples", "model", "transform_graph", *keys]) == variants


def test_a_blessing_is_no_model():
    assert replicas_of([blessing_key("full")]) == {}
