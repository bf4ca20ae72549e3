from pathlib import Path

import pytest

from components.features import read_features
from pipeline.compare.chosen import ChosenModel, find_chosen
from pipeline.compare.fields import RunData, code_fields, config_fields, run_data
from pipeline.lineage.store import read_snapshot
from tests.pipeline.compare.recorded import (
    NUM_ROWS,
    RunToRecord,
    eval_rows,
    labels,
    record_cached_run,
    record_run,
)

FILES = {"/logs/day_1.tsv": 2_000, "/logs/day_2.tsv": 1_000}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> ChosenModel:
    """Of a run all of whose steps are cached."""
    root = tmp_path_factory.mktemp("root")
    code = {"hashing": "h7", "full": "f7", "Transform": "t7"}
    record_run(root, RunToRecord("run-1", files=FILES, code=code))
    record_cached_run(root, "run-2", of="run-1")
    return find_chosen(read_snapshot(root), root)


@pytest.fixture(scope="module")
def data(chosen: ChosenModel) -> RunData:
    return run_data(chosen, read_features(chosen.transform_graph.uri))


def test_config_fields_are_those_of_all_steps_and_of_the_chosen_trainer(
    chosen: ChosenModel,
) -> None:
    trained_with = {"variant": "hashing", "epochs": 2, "embedding": {"method": "hashing"}}
    fields = config_fields(chosen, trained_with)
    layout = {name: fields.pop(name) for name in list(fields) if name.startswith("click_log.")}
    assert fields == {
        "chosen_variant": "hashing",
        "seeds": 1,
        "variants": ["full", "hashing"],
        "trainer.epochs": 2,
        "trainer.embedding.method": "hashing",
        "example_gen.split.method": "hash",
        "example_gen.split.seed": 0,
        "example_gen.split.eval_fraction": 0.2,
        "transform.min_count": 4,
        "evaluator.baseline": "full",
        "evaluator.confidence": 0.9,
        "evaluator.num_resamples": 200,
    }
    assert layout["click_log.categorical.C26.type"] == "hexadecimal"
    assert layout["click_log.format"] == "tsv"


def test_code_fields_leave_out_the_trainers_of_other_variants(chosen: ChosenModel) -> None:
    expected = {"ExampleGen": "g1", "Transform": "t7", "Evaluator": "e1", "Trainer": "h7"}
    assert code_fields(chosen, with_trainer=True) == expected


def test_code_fields_leave_the_trainer_out_where_the_methods_differ(chosen: ChosenModel) -> None:
    assert "Trainer" not in code_fields(chosen, with_trainer=False)


def test_data_fields_hold_files_rows_click_rates_and_vocabularies(data: RunData) -> None:
    sizes = {name: size for name, size in data.fields.items() if name.startswith("vocabulary")}
    assert len(sizes) == 26
    assert sizes["vocabulary_size.C26"] == 30
    assert {name: data.fields[name] for name in data.fields.keys() - sizes.keys()} == {
        "fingerprint": "files:day_1.tsv-day_2.tsv",
        "span": 0,
        "pattern": "/logs/day_*.tsv",
        "num_rows.train": 2_400,
        "num_rows.eval": NUM_ROWS,
        "click_rate.train": 0.25,
        "click_rate.eval": labels(eval_rows(seed=1)).mean(),
        "files./logs/day_1.tsv": 2_000,
        "files./logs/day_2.tsv": 1_000,
    }
    assert data.files == FILES
    assert data.split["split"]["method"] == "hash"


def test_data_without_its_summary_has_no_files(chosen: ChosenModel) -> None:
    path = Path(chosen.quarantine.uri) / "summary.json"
    text = path.read_text()
    path.unlink()
    try:
        data = run_data(chosen, read_features(chosen.transform_graph.uri))
    finally:
        path.write_text(text)
    assert data.files is None
    assert data.fingerprint == "files:day_1.tsv-day_2.tsv"
    assert "num_rows.train" not in data.fields
