import pytest

from components.evaluator.comparison import ConstraintResult
from components.evaluator.report import findings
from tests.components.evaluator.report.sample import sample_comparison


@pytest.fixture(scope="module")
def comparison():
    return sample_comparison()


def test_seeds_note_of_one_seed_says_what_is_not_in_the_intervals(comparison):
    assert "the noise of the seed" in findings.seeds_note(comparison)
    assert "is not in them" in findings.seeds_note(comparison)


def test_seeds_note_of_several_seeds_says_what_is_in_the_intervals():
    note = findings.seeds_note(sample_comparison(2, num_seeds=3, chosen="full"))
    assert "3 seeds" in note
    assert "both" in note


def test_seeds_note_tells_the_noise_of_the_seeds_from_that_of_the_rows():
    note = findings.seeds_note(sample_comparison(9, num_seeds=3))
    # 0.0017 / 3 and 0.0017 / 10
    assert "of unified_int4 the rows bring a standard error of 0.00057, the seeds 0.00017." in note


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (
            {"name": "max_serving_bytes", "limit": 1e6, "value": 3e6, "worst": 3e6},
            "max_serving_bytes 1.00 MB: measured 3.00 MB; fails by 2.00 MB",
        ),
        (
            {"name": "min_train_examples_per_second", "limit": 9, "value": 8, "worst": 8},
            "min_train_examples_per_second 9 rows/s: measured 8 rows/s; fails by 1 rows/s",
        ),
        (
            {"name": "max_latency_p99_batch1", "limit": 1, "value": None, "worst": None},
            "max_latency_p99_batch1 1.00 ms: not measured",
        ),
    ],
)
def test_constraint_text_of_a_failed_one(constraint, text):
    assert findings.constraint_text(ConstraintResult(is_met=False, **constraint)) == text


def test_constraint_text_of_a_kept_one_has_no_gap():
    kept = ConstraintResult(name="max_auc_loss", limit=0.005, value=0.001, worst=0.002, is_met=True)
    assert findings.constraint_text(kept) == (
        "max_auc_loss 0.0050: measured 0.0010, at worst 0.0020"
    )


def test_pareto_finding_names_the_front_and_the_chosen(comparison):
    assert findings.pareto_finding(comparison).endswith(
        ": quotient_remainder, int4, unified_int4, tensor_train. unified_int4 is chosen."
    )


def test_cost_measure_is_the_objective_unless_that_is_a_metric(comparison):
    by_latency = comparison.model_copy(update={"objective": "latency_p99_batch1"})
    by_quality = comparison.model_copy(update={"objective": "auc_roc"})
    assert findings.cost_measure(by_latency).name == "latency_p99_batch1"
    assert findings.cost_measure(by_quality).name == "embedding_bytes"


@pytest.mark.parametrize(
    ("objective", "both"),
    [
        ("embedding_bytes", "embeddings as served and in auc_roc"),
        ("logloss", "logloss and in auc_roc"),
        ("auc_roc", "auc_roc"),
    ],
)
def test_pareto_finding_names_what_the_front_is_about(comparison, objective, both):
    shown = comparison.model_copy(update={"objective": objective})
    start = f"On the front (no other variant is better in {both}): "
    assert findings.pareto_finding(shown).startswith(start)


def test_pareto_note_says_that_the_plot_shows_another_measure_than_the_front(comparison):
    by_quality = comparison.model_copy(update={"objective": "logloss"})
    assert findings.pareto_note(comparison) == ""
    assert findings.pareto_note(by_quality) == (
        "The plot shows auc_roc against embeddings as served, which is not what the front is "
        "about: its variants are filled, and no line joins them."
    )


def test_worst_slice_is_one_that_is_clearly_lost(comparison):
    assert findings.worst_slice(comparison.variant("hashing")).startswith("frequency of C")
    assert findings.worst_slice(comparison.variant("full")) is None


def test_findings_of_what_was_not_measured_say_so(comparison):
    bare = comparison.variants[0].model_copy(
        update={"latency": (), "table_bytes": {}, "loss_curve": (), "eval_curve": (), "metrics": {}}
    )
    shown = comparison.model_copy(update={"variants": (bare,), "chosen": None})
    assert findings.latency_finding(shown) == "Latency was not measured."
    assert findings.tables_finding(shown) == "The bytes of the tables were not recorded."
    assert findings.convergence_finding(shown) == "No curve was recorded."
    assert findings.calibration_finding(shown) == "Calibration was not measured."


def with_fields(comparison, **fields):
    """The comparison with other fields in the configuration of the last variant."""
    *others, last = comparison.variants
    last = last.model_copy(update={"config": {**last.config, **fields}})
    return comparison.model_copy(update={"variants": (*others, last)})


def test_convergence_names_the_best_and_the_worst_end(comparison):
    assert findings.convergence_finding(comparison).startswith("The held-out logloss at the last")


def test_ends_on_different_rows_are_not_compared(comparison):
    assert findings.convergence_finding(with_fields(comparison, validation_fraction=0.1)) == (
        "The ends of the curves are not compared: variants differ in validation_fraction."
    )


def test_ends_of_different_losses_are_not_compared(comparison):
    trained = tuple(v.model_copy(update={"eval_curve": ()}) for v in comparison.variants)
    trained = comparison.model_copy(update={"variants": trained})
    assert "mean training loss" in findings.convergence_finding(trained)
    assert findings.convergence_finding(with_fields(trained, loss={"name": "focal"})) == (
        "The ends of the curves are not compared: variants differ in loss."
    )
