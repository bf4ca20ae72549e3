import json
import math

import apache_beam as beam
import pytest

from components.errors import InputError
from components.evaluator.comparison import Comparison, Lineage
from components.evaluator.config import EvaluatorConfig
from components.evaluator.evaluate import EvalRows, Replica, evaluate
from schemas.spans import SpanCounts
from tests.components.evaluator.tiny import (
    click_log,
    raw_rows,
    save_model,
    save_training,
    write_split,
)
from tests.components.evaluator.tiny_transform import write_transform_graph, write_transformed_split

# Labels follow sigmoid(I1 / 4 - 1): any positive weight ranks rows alike, a negative one reverses.
WEIGHTS = {"full": 0.25, "hashing": 0.5, "reversed": -0.25, "broken": math.nan}
BYTES = {"full": 4000, "hashing": 1000, "reversed": 100, "broken": 10}
QUICK = {
    "num_resamples": 100,
    "latency": {"batch_sizes": [1, 8], "seconds": 0.01, "max_calls": 20},
    "slices": {"time": 2, "min_rows": 50},
}

# The first file is of span 8, the second of span 9.
SPANS = tuple(
    SpanCounts(
        name=str(8 + number),
        first_file=number,
        num_rows={"train": 640 * number, "eval": rows},
        num_clicks={"train": 100 * number, "eval": 200},
    )
    for number, rows in enumerate((700, 1300))
)


@pytest.fixture(scope="module")
def variants(tmp_path_factory) -> dict[str, list[Replica]]:
    folder = tmp_path_factory.mktemp("variants")
    return {
        name: [
            Replica(
                model_path=str(save_model(folder / "models" / name, weight)),
                model_run_uri=str(save_training(folder / "runs" / name, BYTES[name])),
            )
        ]
        for name, weight in WEIGHTS.items()
    }


def run(tmp_path, variants, names, rows=None, **config):
    rows = click_log(2000, seed=3) if rows is None else rows
    comparison_dir = tmp_path / "comparison"
    comparison_dir.mkdir()
    parts = rows.slice(0, 700), rows.slice(700)
    eval_rows = EvalRows(
        raw_uri=write_split(tmp_path / "split", *parts),
        transformed_uri=write_transformed_split(tmp_path / "transformed", *parts),
        transform_graph_uri=write_transform_graph(tmp_path / "graph"),
        spans=SPANS,
    )
    return evaluate(
        beam.Pipeline,
        eval_rows,
        {name: variants[name] for name in names},
        EvaluatorConfig(**{**QUICK, **config}),
        str(comparison_dir),
        str(tmp_path / "predictions"),
        Lineage(run_id="monday", artifact_ids={"examples": (1,)}),
    )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, variants):
    folder = tmp_path_factory.mktemp("outcome")
    return folder, run(folder, variants, list(WEIGHTS), best_auc_roc=0.9)


def test_evaluate_chooses_the_smallest_good_variant(outcome):
    assert outcome[1].chosen == "hashing"
    assert [result.name for result in outcome[1].variants if result.is_blessed] == ["hashing"]


def test_evaluate_orders_the_variants_by_size_after_the_baseline(outcome):
    names = [result.name for result in outcome[1].variants]
    assert names == ["full", "hashing", "reversed", "broken"]


def test_evaluate_measures_the_reversed_model_below_one_half(outcome):
    full, reversed_ = (outcome[1].variant(name).metrics["auc_roc"] for name in ("full", "reversed"))
    assert full.estimate.value > 0.6
    # Ties count one half on either side.
    assert reversed_.estimate.value == pytest.approx(1 - full.estimate.value, abs=1e-9)
    assert reversed_.difference.high < 0
    assert reversed_.adjusted_p_value < 1e-6


def test_evaluate_finds_no_difference_where_the_ranks_are_the_same(outcome):
    difference = outcome[1].variant("hashing").metrics["auc_roc"].difference
    assert difference.value == pytest.approx(0.0, abs=1e-12)
    assert difference.standard_error == pytest.approx(0.0, abs=1e-12)


def test_evaluate_reports_a_diverged_variant_without_metrics(outcome):
    broken = outcome[1].variant("broken")
    assert broken.diverged
    assert broken.costs["embedding_bytes"] == 10
    assert broken.verdict.startswith("Diverged")


def test_evaluate_times_every_model_at_every_batch_size(outcome):
    for result in outcome[1].variants:
        assert [each.batch_size for each in result.latency] == [1, 8]
        assert 0 < result.costs["latency_p50_batch1"] <= result.costs["latency_p99_batch1"]


def test_evaluate_measures_the_slices(outcome):
    slices = outcome[1].variant("full").slices
    sizes = {(each.key, each.value): each.num_rows for each in slices}
    assert sizes["frequency of C1", "head"] == 2000
    assert sizes["time", "1 of 2"] == 1000
    assert (sizes["span", "8"], sizes["span", "9"]) == (700, 1300)


def test_evaluate_tells_the_facts_of_the_rows(outcome):
    data = outcome[1].data
    assert (data.num_eval_rows, data.num_train_rows, data.spans) == (2000, 640, SPANS)
    assert data.vocabulary_sizes["C1"] == 6
    assert outcome[1].lineage.run_id == "monday"


def test_evaluate_writes_what_it_returns(outcome):
    folder, returned = outcome
    text = (folder / "comparison/comparison.json").read_text()
    assert Comparison.from_json(text) == returned
    variant = json.loads(text)["variants"][0]
    assert variant["costs"]["train_examples_per_second"] == 256.0


def test_evaluate_writes_the_report_and_leaves_no_temporary_file(outcome):
    names = {path.name for path in (outcome[0] / "comparison").iterdir()}
    assert names == {"comparison.json", "comparison.md", "index.html", "tfma"}
    page = (outcome[0] / "comparison/index.html").read_text()
    assert outcome[1].reason in page
    assert outcome[1].reason in (outcome[0] / "comparison/comparison.md").read_text()
    names = {path.name for path in (outcome[0] / "predictions").iterdir()}
    assert names == {"block-00000-000000.parquet", "block-00001-000000.parquet"}


def test_evaluate_without_batch_sizes_times_nothing(tmp_path, variants):
    comparison = run(tmp_path, variants, ["full", "hashing"], latency={"batch_sizes": []})
    assert all(not result.latency for result in comparison.variants)
    assert "latency_p50_batch1" not in comparison.variant("full").costs


def test_evaluate_of_several_seeds_compares_the_means(tmp_path, variants):
    full, hashing = variants["full"][0], variants["hashing"][0]
    reversed_ = variants["reversed"][0]
    replicas = {"full": [full, full], "mixed": [hashing, reversed_]}
    comparison = run(tmp_path, replicas, list(replicas), latency={"batch_sizes": []})
    mixed = comparison.variant("mixed").metrics["auc_roc"]
    # The two replicas rank the rows in opposite orders.
    assert mixed.estimate.value == pytest.approx(0.5, abs=1e-9)
    loss = comparison.variant("full").metrics["auc_roc"].estimate.value - 0.5
    # Differences 0 and -2 * loss: standard deviation sqrt(2) * loss, over sqrt(2) replicas.
    assert mixed.seed_error == pytest.approx(loss, rel=1e-9)
    assert comparison.chosen == "full"


def test_evaluate_of_one_diverged_seed_is_a_diverged_variant(tmp_path, variants):
    full, broken = variants["full"][0], variants["broken"][0]
    replicas = {"full": [full, full], "half": [full, broken]}
    comparison = run(tmp_path, replicas, list(replicas), latency={"batch_sizes": []})
    assert comparison.variant("half").diverged


def test_evaluate_of_one_class_only_is_refused(tmp_path, variants):
    rows = raw_rows([0, 0, 0], [1, 2, 3], [None] * 3)
    with pytest.raises(InputError, match="all 3 labels are 0"):
        run(tmp_path, variants, ["full"], rows)


def test_evaluate_of_an_unknown_baseline_is_refused_before_any_prediction(tmp_path, variants):
    with pytest.raises(InputError, match="received 'robe'"):
        run(tmp_path, variants, ["full"], baseline="robe")
    assert not (tmp_path / "predictions").exists()


def test_evaluate_of_a_diverged_baseline_is_refused(tmp_path, variants):
    with pytest.raises(InputError, match="'broken' diverged"):
        run(tmp_path, variants, ["full", "broken"], baseline="broken")


def test_evaluate_of_a_model_without_the_signature_names_its_variant(tmp_path, variants):
    path = save_model(tmp_path / "model", 1.0, signature="other")
    odd = [variants["hashing"][0].model_copy(update={"model_path": str(path)})]
    with pytest.raises(InputError, match="variant 'hashing'"):
        run(tmp_path, variants | {"hashing": odd}, ["full", "hashing"])


def test_evaluate_without_a_training_record_is_refused_before_any_prediction(tmp_path, variants):
    odd = [variants["hashing"][0].model_copy(update={"model_run_uri": str(tmp_path)})]
    with pytest.raises(InputError, match=r"training\.json: not found"):
        run(tmp_path, variants | {"hashing": odd}, ["full", "hashing"])
    assert not (tmp_path / "predictions").exists()
