import pytest
from pydantic import ValidationError

from components.errors import InputError
from pipeline.study.config import StudyConfig, compact, known_studies, load_study, megabytes


def problem(**fields):
    with pytest.raises(ValidationError) as error:
        StudyConfig(**fields)
    return str(error.value)


def test_values_of_one_field_become_named_alternatives():
    study = StudyConfig(methods={"batch_size": {"trainer.batch_size": [64, 512]}})
    assert study.methods == {
        "batch_size": {"64": {"trainer.batch_size": 64}, "512": {"trainer.batch_size": 512}}
    }


def test_named_alternatives_set_several_fields():
    long = {"trainer.epochs": 4, "example_gen.negative_sampling_rate": 0.5}
    study = StudyConfig(methods={"long": {"four": long, 8: {"trainer.epochs": 8}}})
    assert study.methods["long"] == {"four": long, "8": {"trainer.epochs": 8}}


def test_a_mapping_of_sections_says_the_same_as_assignments():
    sections = {
        "trainer": {"dense_optimizer": {"learning_rate": 0.1}, "top_mlp": [8, 4]},
        "synthetic.rows": None,
    }
    assert StudyConfig(set=sections).assignments == (
        "trainer.dense_optimizer.learning_rate=0.1",
        "trainer.top_mlp=[8, 4]",
        "synthetic.rows=null",
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"datasets": ["10"]}, "expected sizes such as 500kB, 10MB, 1GB, or full; received '10'"),
        ({"datasets": ["0MB"]}, "received '0MB'"),
        ({"datasets": ["1MB", "1MB"]}, "expected different values"),
        ({"datasets": []}, "at least 1 item"),
        ({"devices": ["abacus"]}, "'cpu', 'gpu', 'multi_gpu' or 'tpu'"),
        ({"seeds": 0}, "greater than or equal to 1"),
        ({"architectures": {"DLRM": {}}}, "architectures: expected names of small letters"),
        ({"methods": {"baseline": {"trainer.epochs": [2]}}}, "cells without a method"),
        ({"methods": {"x": {"trainer.epochs": []}}}, "x: expected different values"),
        ({"methods": {"x": {"trainer.epochs": [2, 2]}}}, "x: expected different values"),
        ({"methods": {"x": {"evaluator.threshold": [0.1]}}}, "trainer, example_gen, transform"),
        ({"methods": {"x": {"trainer": [1]}}}, "received 'trainer'"),
        ({"methods": {"x": {"a": {}}}}, "x.a: expected field: value"),
        ({"methods": {"x": [1]}}, "x: expected {trainer.FIELD: [values]}"),
        ({"set": ["seeds=3"]}, "seeds: is a field of the study itself"),
        ({"set": {"variants": {"full": {}}}}, "variants: is a field of the study itself"),
    ],
)
def test_wrong_value_is_refused_with_rule_and_value(fields, said):
    assert said in problem(**fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sets: {}", "sets: unknown field; known: preset"),
        ("- 1", "expected a mapping"),
        ("a: [", "not YAML"),
        ("methods_on: {dataset: [full]}", "dataset: unknown field; known: datasets"),
    ],
)
def test_wrong_file_is_named(text, said, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml") as error:
        load_study(str(path))
    assert said in str(error.value)


def test_missing_file_names_the_known_studies():
    with pytest.raises(InputError, match="expected one of sizes, small or a YAML file"):
        load_study("nope")


def test_every_study_of_the_project_is_one():
    for name in known_studies():
        load_study(name)


def test_megabytes_of_datasets():
    assert [megabytes(d) for d in ("500kB", "1.5MB", "2GB", "full")] == [0.5, 1.5, 2000.0, None]


def test_compact_text_of_values():
    assert [compact(v) for v in (512, 0.5, "a b", [64, 32], {"a": None}, True)] == [
        "512",
        "0.5",
        "a b",
        "[64, 32]",
        "{a: null}",
        "true",
    ]
