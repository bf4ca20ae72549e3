import numpy as np
import pytest
from scipy import stats

from components.evaluator.choice.constraints import check_constraints
from components.evaluator.config import EvaluatorConfig
from tests.components.evaluator.tiny import diverged, metric, result

FULL = result("full", 0.8, 4000)


def losses(*variants, num_eval_rows=10_000, **config):
    """Returns variant -> its result for `max_auc_loss`."""
    checked = check_constraints(variants, EvaluatorConfig(**config), num_eval_rows)
    return {name: results[0] for name, results in checked.items()}


def test_baseline_keeps_any_limit_of_the_loss():
    checked = losses(FULL, max_auc_loss=0.0)["full"]
    assert checked.is_met
    assert checked.value == 0.0


def test_one_variant_is_held_against_the_one_sided_bound():
    # 0.002 lost, error 0.001: the one-sided 95 % bound lies at 0.002 + 1.645 * 0.001.
    variant = result("a", 0.798, 10, difference=-0.002, sampling_error=0.001)
    checked = losses(FULL, variant, max_auc_loss=0.0037)["a"]
    assert checked.value == pytest.approx(0.002)
    assert checked.worst == pytest.approx(0.003645, abs=1e-6)
    assert checked.is_met
    assert not losses(FULL, variant, max_auc_loss=0.0036)["a"].is_met


def test_confidence_widens_the_bound():
    variant = result("a", 0.798, 10, difference=-0.002, sampling_error=0.001)
    checked = losses(FULL, variant, confidence=0.99)["a"]
    assert checked.worst == pytest.approx(0.002 + 2.3263 * 0.001, abs=1e-6)


def of_seeds(num_seeds, loss, sampling_error, seed_error):
    """Returns variant `a` with several replicas."""
    own = metric(0.8, -loss, sampling_error, seed_error)
    seeds = tuple(range(num_seeds))
    return result("a", 0.8, 10).model_copy(update={"metrics": {"auc_roc": own}, "seeds": seeds})


def test_few_seeds_widen_the_bound():
    # The one-sided 95 % quantiles: normal 1.64485, Student's t with 2 degrees of freedom 2.91999.
    variant = of_seeds(3, 0.002, sampling_error=0.002, seed_error=0.001)
    expected = 0.002 + np.hypot(1.64485 * 0.002, 2.91999 * 0.001)
    assert losses(FULL, variant)["a"].worst == pytest.approx(expected, abs=1e-7)


def test_few_seeds_and_many_variants_widen_the_bound_by_the_heavy_tail():
    others = [result(f"b{i}", 0.8, 10, -0.1, 0.001) for i in range(9)]
    variant = of_seeds(2, 0.0, sampling_error=0.0, seed_error=0.001)
    # Ten variants: 0.5 % on one side, Student's t with 1 degree of freedom.
    assert losses(FULL, variant, *others)["a"].worst == pytest.approx(0.0636567, abs=1e-6)


def test_of_many_variants_at_the_limit_one_is_approved_in_5_percent_at_most():
    """Twenty variants that lose exactly the limit, two seeds, the seeds' error far above."""
    random = np.random.default_rng(0)
    approved, simulations, sampling, seed = 0, 300, 0.0001, 0.001
    for _ in range(simulations):
        variants = []
        for number in range(20):
            replicas = -0.005 + random.normal(scale=sampling) + random.normal(scale=seed, size=2)
            error = float(np.std(replicas, ddof=1)) / np.sqrt(2)
            variant = of_seeds(2, -float(np.mean(replicas)), sampling, error)
            variants.append(variant.model_copy(update={"name": f"v{number}"}))
        checked = losses(FULL, *variants)
        approved += any(checked[variant.name].is_met for variant in variants)
    # 5 % and three standard errors of 1.3 %.
    assert approved / simulations < 0.09


def test_holm_steps_down_from_the_smallest_p_value():
    """Three variants at 5 %: the levels are 5 / 3, 5 / 2 and 5 %."""
    limit, error = 0.005, 0.001

    def variant(name, p_value):
        loss = limit - error * stats.norm.isf(p_value)
        return result(name, 0.8, 10, difference=-loss, sampling_error=error)

    kept = losses(FULL, variant("a", 0.016), variant("b", 0.024), variant("c", 0.049))
    assert [kept[name].is_met for name in "abc"] == [True, True, True]
    # The first misses 5 / 3 %, so the others fail too, each of which would hold alone.
    failed = losses(FULL, variant("a", 0.017), variant("b", 0.018), variant("c", 0.019))
    assert [failed[name].is_met for name in "abc"] == [False, False, False]
    assert all(failed[name].worst > limit for name in "abc")


def test_a_variant_without_error_is_decided_by_its_value():
    exact = result("a", 0.795, 10, difference=-0.005)
    assert losses(FULL, exact, max_auc_loss=0.005)["a"].is_met
    assert not losses(FULL, exact, max_auc_loss=0.0049)["a"].is_met


def test_a_loss_of_exactly_the_limit_is_kept_in_spite_of_rounding():
    variant = result("a", 0.795, 10, difference=0.795 - 0.8)  # a little more than 0.005
    assert losses(FULL, variant, max_auc_loss=0.005)["a"].is_met


def test_more_rows_are_those_that_bring_the_bound_to_the_limit():
    # The bound needs an error of 0.001 / 1.645; it is 0.002, so 10.82 times the rows are needed.
    variant = result("a", 0.8, 10, difference=-0.004, sampling_error=0.002)
    checked = losses(FULL, variant, max_auc_loss=0.005, num_eval_rows=1000)["a"]
    assert not checked.is_met
    assert checked.more_rows == pytest.approx(1000 * (2 * 1.6449) ** 2 - 1000, abs=2)


def test_more_rows_decide_a_loss_just_above_the_limit_too():
    variant = result("a", 0.8, 10, difference=-0.006, sampling_error=0.002)
    checked = losses(FULL, variant, max_auc_loss=0.005, num_eval_rows=1000)["a"]
    assert checked.more_rows == pytest.approx(1000 * (2 * 1.6449) ** 2 - 1000, abs=2)


def test_a_loss_as_good_as_the_limit_asks_for_no_rows():
    variant = result("a", 0.8, 10, difference=-0.00499, sampling_error=0.002)
    assert losses(FULL, variant, max_auc_loss=0.005)["a"].more_rows is None


def test_no_rows_are_missing_where_it_is_decided():
    kept = result("a", 0.8, 10, difference=0.0, sampling_error=0.001)
    lost = result("b", 0.8, 10, difference=-0.1, sampling_error=0.001)
    checked = losses(FULL, kept, lost)
    assert checked["a"].more_rows is None
    assert checked["b"].more_rows is None


def test_rows_do_not_decide_what_the_seeds_leave_open():
    variant = of_seeds(3, 0.004, sampling_error=0.002, seed_error=0.001)
    checked = losses(FULL, variant, max_auc_loss=0.005)["a"]
    assert not checked.is_met
    assert checked.more_rows is None


def test_a_diverged_variant_keeps_no_limit_of_a_metric():
    checked = losses(FULL, diverged("a", 10))["a"]
    assert not checked.is_met
    assert checked.value is None


def limit(variant, name, value):
    config = EvaluatorConfig(constraints={name: value})
    return check_constraints([FULL, variant], config, 10_000)[variant.name][1]


def test_a_cost_is_held_against_its_limit():
    variant = result("a", 0.8, 1000, serving_bytes=2e6, train_examples_per_second=5e4)
    assert limit(variant, "max_serving_bytes", "2MB").is_met
    assert not limit(variant, "max_serving_bytes", "1999kB").is_met
    assert limit(variant, "min_train_examples_per_second", 50_000).is_met
    assert not limit(variant, "min_train_examples_per_second", 50_001).is_met


def test_a_cost_that_was_not_measured_keeps_no_limit():
    checked = limit(result("a", 0.8, 1000), "max_seconds_to_target", 10)
    assert not checked.is_met
    assert checked.value is None


def test_a_metric_is_held_against_the_worse_end_of_its_interval():
    variant = result("a", 0.8, 10, difference=0.0, sampling_error=0.001)
    assert limit(variant, "min_auc_roc", 0.798).is_met
    checked = limit(variant, "min_auc_roc", 0.799)
    assert not checked.is_met
    assert checked.worst == pytest.approx(0.8 - 0.00196)
