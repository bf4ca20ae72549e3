from components.evaluator.choice.choose import choose
from components.evaluator.config import EvaluatorConfig
from tests.components.evaluator.tiny import diverged, result

FULL = result("full", 0.8, 4000, latency_p99_batch1=1.0, serving_bytes=2e6)


def variant(name, loss, embedding_bytes, error=0.0, **costs):
    return result(name, 0.8 - loss, embedding_bytes, -loss, error, **costs)


def words(*variants, **config):
    """Returns the reason, and variant -> verdict."""
    results, reason = choose(variants, EvaluatorConfig(**config), 10_000)
    return reason, {each.name: each.verdict for each in results}


def test_reason_tells_size_loss_and_bound():
    reason, verdicts = words(FULL, variant("a", 0.0012, 1000, error=0.001))
    assert reason == (
        "Ship a: 4.0x smaller embeddings, auc_roc 0.0012 below full and at most 0.0028 below with "
        "95 % confidence (limit 0.005)."
    )
    assert verdicts["a"] == "Best in embeddings as served of those that keep all constraints."
    assert verdicts["full"] == (
        "Keeps all constraints; a is as good or better in embeddings as served: 1.00 kB against "
        "4.00 kB."
    )


def test_reason_of_a_better_variant_says_so():
    reason, _ = words(FULL, variant("a", -0.01, 1000, error=0.001))
    assert "auc_roc 0.0100 above full and at least 0.0084 above with 95 % confidence" in reason


def test_reason_of_an_equal_variant_says_so():
    reason, _ = words(FULL, variant("a", 0.00004, 1000, error=0.001))
    assert "auc_roc equal to full and at most 0.0017 below with 95 % confidence" in reason


def test_reason_by_latency_gives_both_times():
    fast = variant("a", 0.001, 4000, latency_p99_batch1=0.25)
    reason, _ = words(FULL, fast, objective="latency_p99_batch1")
    assert reason.startswith("Ship a: latency p99 at batch 1 0.250 ms instead of 1.00 ms, ")


def test_reason_for_the_baseline_where_none_is_better():
    reason, _ = words(FULL, variant("a", 0.0, 5000))
    assert reason == (
        "Ship full, the baseline: no compared variant is better in embeddings as served."
    )


def test_reason_for_the_baseline_tells_how_many_rows_could_change_it():
    reason, verdicts = words(FULL, variant("a", 0.004, 1000, error=0.002))
    # 10,000 rows x (2 x 1.6449)^2 bring the bound to the limit.
    assert reason == (
        "Ship full, the baseline: no variant that is better in embeddings as served keeps all "
        "constraints; about 98,000 more eval rows could change that."
    )
    assert verdicts["a"] == (
        "Loses 0.0040 of auc_roc, but may lose up to 0.0073 with 95 % confidence, limit 0.005; "
        "about 98,000 more eval rows could show that it keeps the limit."
    )


def test_rows_are_not_promised_to_a_variant_that_misses_something_else():
    unsure = variant("a", 0.004, 1000, error=0.002, serving_bytes=3e6)
    reason, _ = words(FULL, unsure, constraints={"max_serving_bytes": "2MB"})
    assert reason.endswith("keeps all constraints.")


def test_reason_of_the_same_predictions_has_no_negative_zero():
    reason, _ = words(FULL, variant("a", 0.0, 1000))
    assert "auc_roc equal to full and at most 0.0000 below with" in reason


def test_reason_where_nobody_has_the_objective_says_so():
    reason, _ = words(FULL, variant("a", 0.0, 10), objective="seconds_to_target")
    assert reason == "Ship nothing: seconds_to_target, the objective, was measured of no variant."


def test_verdict_of_a_clear_loss_tells_by_how_much():
    _, verdicts = words(FULL, variant("a", 0.02, 1000, error=0.001))
    assert verdicts["a"] == "Loses 0.0200 of auc_roc, 0.0150 more than 0.005."


def test_verdict_of_an_unsure_gain_is_no_loss():
    _, verdicts = words(FULL, variant("a", -0.001, 10, error=0.01))
    assert verdicts["a"].startswith("Gains 0.0010 of auc_roc, but may lose up to 0.0154 with")


def test_rows_are_not_promised_beyond_the_limit():
    reason, verdicts = words(FULL, variant("a", 0.006, 1000, error=0.002))
    assert reason.endswith("keeps all constraints.")
    assert verdicts["a"].endswith("about 98,000 more eval rows would make that sure.")


def test_reason_for_nothing_tells_value_and_end_of_a_metric():
    full = result("full", 0.8, 10, sampling_error=0.01)
    reason, _ = words(full, constraints={"min_auc_roc": 0.9})
    assert reason.endswith("full comes nearest with 0.8000, at worst 0.7804.")


def test_verdict_of_a_cost_gives_both_numbers():
    heavy = variant("a", 0.0, 10, serving_bytes=3e6)
    _, verdicts = words(FULL, heavy, constraints={"max_serving_bytes": "2MB"})
    assert verdicts["a"] == "max_serving_bytes 2.00 MB: it has 3.00 MB."


def test_verdict_of_a_diverged_variant():
    assert words(FULL, diverged("a", 1))[1]["a"].startswith("Diverged")


def test_reason_for_nothing_names_the_constraint_and_who_comes_nearest():
    variants = [FULL, variant("a", 0.001, 1000)]
    reason, verdicts = words(*variants, constraints={"max_embedding_bytes": "900B"})
    assert reason == (
        "Ship nothing: no variant keeps max_embedding_bytes 900 B, a comes nearest with 1.00 kB."
    )
    assert verdicts["a"] == "max_embedding_bytes 900 B: it has 1.00 kB."


def test_reason_for_nothing_where_each_constraint_is_kept_by_someone():
    variants = [FULL, variant("a", 0.5, 10)]
    reason, _ = words(*variants, constraints={"max_embedding_bytes": 100})
    assert reason == "Ship nothing: no variant keeps all constraints at once."


def test_reason_for_nothing_where_the_objective_was_not_measured_of_who_keeps_all():
    other = variant("a", 0.001, 1000, serving_bytes=1e6)
    full = result("full", 0.8, 4000, seconds_to_target=3.0, serving_bytes=2e6)
    limits = {"objective": "seconds_to_target", "constraints": {"max_serving_bytes": 1.5e6}}
    reason, _ = words(full, other, **limits)
    assert reason == (
        "Ship nothing: of what keeps all constraints (a) seconds_to_target, the objective, was "
        "not measured."
    )


def test_rows_are_not_promised_to_a_variant_that_is_too_slow():
    slow = variant("a", 0.004, 1000, error=0.002, train_examples_per_second=10_000.0)
    full = result("full", 0.8, 4000, train_examples_per_second=30_000.0)
    limits = {"constraints": {"min_train_examples_per_second": 20_000}}
    reason, _ = words(full, slow, **limits)
    assert reason.startswith("Ship full, the baseline: no variant that is better in")
    assert "more eval rows" not in reason
