"""The main job, end to end, through its command line and on every real part."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator.comparison import Comparison
from components.evaluator.measures import METRICS
from components.parquet import list_files, read_table
from components.raw_tensors import raw_tensors
from components.synthetic.click_log import SyntheticConfig, write_click_log
from pipeline import local_run
from pipeline.lineage.cli import main as lineage
from pipeline.lineage.store import read_snapshot
from pipeline.local_cli import main
from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT

pytestmark = pytest.mark.slow

BEFORE_TRAINING = {"ExampleGen", "SchemaGen", "StatisticsGen", "ExampleValidator"}
AFTER_TRAINING = {"Evaluator", "Pusher"}
COSTS = {
    "embedding_bytes",
    "serving_bytes",
    "training_bytes",
    "num_parameters",
    "train_seconds",
    "train_examples_per_second",
    "latency_p50_batch1",
    "latency_p99_batch1",
    "examples_per_second_batch1",
}


def _run(root, *flags):
    return main(["--preset", "tiny", "--root", str(root), *flags])


def _executed(root):
    """The steps that the newest run did not take from the cache."""
    snapshot = read_snapshot(root)
    executions = snapshot.run_executions(snapshot.runs[-1].id)
    return {execution.node for execution in executions if execution.state == "complete"}


def _output_uri(root, step, key):
    snapshot = read_snapshot(root)
    return local_run._output(snapshot, snapshot.runs[-1].id, step, key).uri


def _pushed(root):
    return sorted(path for path in (root / "serving_model").glob("*") if path.is_dir())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder in which the tiny preset has run once, with two variants."""
    folder = tmp_path_factory.mktemp("run")
    assert _run(folder, "--variants", "full,hashing") == 0
    return folder


def test_comparison_file_has_every_figure(root):
    comparison = json.loads((root / "report/comparison.json").read_text())
    assert comparison["baseline"] == "full"
    assert {variant["name"] for variant in comparison["variants"]} == {"full", "hashing"}
    for variant in comparison["variants"]:
        assert set(variant["costs"]) >= COSTS
        assert set(variant["metrics"]) == set(METRICS)
        assert 0.4 < variant["metrics"]["auc_roc"]["estimate"]["value"] < 1
        costs = variant["costs"]
        assert costs["serving_bytes"] > costs["embedding_bytes"] > 0
        assert sum(variant["table_bytes"].values()) == costs["embedding_bytes"]
        assert variant["slices"]
    assert comparison["chosen"] in {"full", "hashing"}


def test_report_tells_the_command_of_its_run(root):
    lineage_ = json.loads((root / "report/comparison.json").read_text())["lineage"]
    assert lineage_["command"] == (
        f"run_local.py --preset tiny --root {root} --variants full,hashing"
    )
    assert lineage_["command"] in (root / "report/index.html").read_text()


def test_report_is_one_page_that_loads_nothing(root):
    page = (root / "report/index.html").read_text()
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(src|href)=["']?https?:|url\(|@import""", without_scripts)
    assert not re.search(r"<script[^>]* src=", page)
    assert (root / "report/comparison.md").read_text().count("hashing") > 0


def test_pushed_model_predicts_what_the_evaluator_measured(root):
    [pushed] = _pushed(root)
    model = tf.saved_model.load(str(pushed))
    chosen = Comparison.from_json((root / "report/comparison.json").read_text()).chosen
    [file] = list_files(str(Path(_output_uri(root, "ExampleGen", "examples"), "Split-eval")))[:1]
    rows = read_table(file)
    measured = read_table(
        str(Path(_output_uri(root, "Evaluator", "predictions"), Path(file).name)), [chosen]
    )
    tensors = raw_tensors(rows)

    by_name = model.signatures[RAW_FEATURES](
        **{name: tf.constant(values) for name, values in tensors.items()}
    )[PROBABILITY]
    by_example = model.signatures[SERVING_DEFAULT](
        **{EXAMPLES_INPUT: tf.constant([_example(rows, i) for i in range(rows.num_rows)])}
    )[PROBABILITY]

    np.testing.assert_allclose(by_name, measured[chosen].to_numpy(), rtol=1e-5)
    np.testing.assert_allclose(by_example, by_name, rtol=1e-5)


def _example(rows, index):
    """A serialized tf.Example of one raw row; missing features are absent."""
    features = {}
    for name in DENSE_FEATURES:
        if (value := rows[name][index].as_py()) is not None:
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    for name in CATEGORICAL_FEATURES:
        if (value := rows[name][index].as_py()) is not None:
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_second_run_executes_nothing_and_prints_the_same_table(root, capsys):
    before, pushed = (root / "report/comparison.json").read_bytes(), _pushed(root)
    assert _run(root, "--variants", "full,hashing") == 0
    first = capsys.readouterr().out.split("\n\n", 1)[1]
    assert _executed(root) == set()
    assert (root / "report/comparison.json").read_bytes() == before
    assert _pushed(root) == pushed
    assert _run(root, "--variants", "full,hashing") == 0
    assert capsys.readouterr().out.split("\n\n", 1)[1] == first


def test_removed_push_is_pushed_again(root):
    [pushed] = _pushed(root)
    pushed.rename(root / "elsewhere")
    assert _run(root, "--variants", "full,hashing") == 0
    assert _executed(root) == {"Pusher"}
    assert (_pushed(root)[-1] / "saved_model.pb").exists()


def test_newest_pushed_version_is_the_model_of_the_newest_run(root):
    flags = ["--variants", "full,hashing", "--set", "evaluator.max_auc_loss=1"]
    assert _run(root, *flags) == 0
    smallest = (_pushed(root)[-1] / "saved_model.pb").read_bytes()
    assert _run(root, "--variants", "full") == 0
    assert (_pushed(root)[-1] / "saved_model.pb").read_bytes() != smallest
    assert _run(root, *flags) == 0
    assert _executed(root) == {"Pusher"}
    assert (_pushed(root)[-1] / "saved_model.pb").read_bytes() == smallest


def test_adding_a_variant_executes_its_trainer_and_what_follows(root):
    assert _run(root, "--variants", "full,hashing,quotient_remainder") == 0
    assert _executed(root) == {"Trainer_quotient_remainder"} | AFTER_TRAINING


def test_changed_preprocessing_executes_what_depends_on_it(root):
    flags = ["--variants", "full,hashing", "--set", "transform.categorical.frequency_threshold=3"]
    assert _run(root, *flags) == 0
    assert _executed(root) == {"Transform", "Trainer_full", "Trainer_hashing"} | AFTER_TRAINING


def test_edited_code_is_never_answered_by_the_cache(root, monkeypatch):
    monkeypatch.setattr("components.transform.component.code_version", lambda _: "edited")
    assert _run(root, "--variants", "full,hashing") == 0
    assert _executed(root) == {"Transform", "Trainer_full", "Trainer_hashing"} | AFTER_TRAINING


def test_trace_of_the_pushed_model_names_what_made_it(root, capsys):
    assert lineage(["--root", str(root), "--json", "trace", str(_pushed(root)[0])]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["seed"] == 0
    assert "click_log.tsv" in json.dumps(summary["data"])
    assert summary["trainer"]["config"]["variant"] == summary["variant"]


def test_run_whose_constraint_nobody_keeps_pushes_nothing(root, capsys):
    before = _pushed(root)
    flags = ["--set", "evaluator.constraints.max_embedding_bytes=1"]
    assert _run(root, "--variants", "full,hashing", *flags) == 0
    assert _pushed(root) == before
    said = capsys.readouterr().out
    assert "Ship nothing: no variant keeps max_embedding_bytes 1 B" in said
    assert "pushed model  none" in said


def test_run_with_two_seeds_trains_the_second_only(root):
    flags = ["--variants", "full,hashing", "--set", "seeds=2"]
    assert _run(root, *flags) == 0
    executed = {"Trainer_full_Seed1", "Trainer_hashing_Seed1", "Evaluator"}
    assert executed <= _executed(root) <= executed | {"Pusher"}
    comparison = Comparison.from_json((root / "report/comparison.json").read_text())
    assert comparison.variant("hashing").seeds == (0, 1)
    assert comparison.variant("hashing").metrics["logloss"].seed_error > 0


def test_too_many_bad_lines_fail_the_run_and_push_nothing(tmp_path, capsys):
    data = tmp_path / "day.tsv"
    write_click_log(SyntheticConfig(rows=200), data)
    lines = data.read_bytes().splitlines(keepends=True)
    lines[6] = b"1\tonly\tthree\n"
    data.write_bytes(b"".join(lines))

    assert _run(tmp_path / "run", "--data", str(data)) == 1

    said = capsys.readouterr().err
    assert "step ExampleGen" in said
    assert "day.tsv:7" in said
    assert "nothing was pushed" in said
    assert _pushed(tmp_path / "run") == []


def test_few_bad_lines_are_quarantined_and_counted(tmp_path):
    data = tmp_path / "day.tsv"
    write_click_log(SyntheticConfig(rows=1500), data)
    lines = data.read_bytes().splitlines(keepends=True)
    lines[9] = lines[9].replace(b"\t", b"\tx", 1)
    data.write_bytes(b"".join(lines))

    assert _run(tmp_path / "run", "--data", str(data), "--variants", "full") == 0

    quarantine = Path(_output_uri(tmp_path / "run", "ExampleGen", "quarantine"))
    [rejected] = map(json.loads, (quarantine / "rejected_rows.jsonl").read_text().splitlines())
    assert (rejected["file"], rejected["line"]) == (str(data), 10)
    assert "I1" in rejected["reason"]
    assert json.loads((quarantine / "summary.json").read_text())["num_rejected"] == 1


def test_baseline_comes_close_to_the_best_achievable_quality(tmp_path):
    assert main(["--preset", "demo", "--root", str(tmp_path), "--variants", "full"]) == 0
    comparison = Comparison.from_json((tmp_path / "report/comparison.json").read_text())
    baseline = comparison.variant("full")
    assert abs(baseline.measure("auc_roc") - comparison.best_auc_roc) < 0.015
    assert abs(baseline.measure("calibration") - 1) < 0.1


def test_real_rows_run_to_a_pushed_model(tmp_path, real_rows):
    assert _run(tmp_path, "--data", str(real_rows)) == 0
    comparison = Comparison.from_json((tmp_path / "report/comparison.json").read_text())
    assert len(comparison.variants) == 3
    assert len(_pushed(tmp_path)) == 1
