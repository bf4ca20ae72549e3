import pytest

from components.errors import InputError
from components.evaluator.choice.choose import choose
from components.evaluator.config import EvaluatorConfig
from tests.components.evaluator.tiny import diverged, result

FULL = result("full", 0.8, 4000, latency_p99_batch1=1.0)


def variant(name, loss, embedding_bytes, error=0.0, **costs):
    return result(name, 0.8 - loss, embedding_bytes, -loss, error, **costs)


def chosen(*variants, **config):
    results, _ = choose(variants, EvaluatorConfig(**config), 10_000)
    return next((each.name for each in results if each.is_blessed), None)


def test_choice_is_the_smallest_variant_within_the_loss():
    variants = [variant("a", 0.003, 2000), variant("b", 0.004, 1000), variant("c", 0.01, 10)]
    assert chosen(FULL, *variants) == "b"


def test_choice_leaves_out_a_variant_whose_loss_is_not_sure():
    unsure = variant("a", 0.004, 1000, error=0.001)
    assert chosen(FULL, unsure, max_auc_loss=0.005) == "full"


def test_choice_keeps_the_baseline_when_no_other_qualifies():
    assert chosen(FULL, variant("a", 0.0051, 1000), variant("b", 0.3, 10)) == "full"


def test_choice_with_the_baseline_only():
    assert chosen(FULL, max_auc_loss=0.0) == "full"


def test_choice_between_equal_sizes_takes_the_higher_auc_roc():
    assert chosen(FULL, variant("a", 0.004, 1000), variant("b", 0.002, 1000)) == "b"


def test_choice_of_a_full_tie_is_the_first_name_in_any_order():
    tied = [variant("b", 0.0, 4000), FULL, variant("a", 0.0, 4000)]
    assert chosen(*tied) == "a"
    assert chosen(*tied[::-1]) == "a"


def test_choice_by_latency_takes_the_fastest():
    fast = variant("a", 0.001, 9000, latency_p99_batch1=0.5)
    small = variant("b", 0.001, 10, latency_p99_batch1=2.0)
    assert chosen(FULL, fast, small, objective="latency_p99_batch1") == "a"


def test_choice_by_speed_takes_the_highest():
    full = result("full", 0.8, 10, train_examples_per_second=1e4)
    fast = variant("a", 0.001, 9000, train_examples_per_second=2e4)
    assert chosen(full, fast, objective="train_examples_per_second") == "a"


def test_choice_never_takes_what_lacks_the_objective():
    assert chosen(FULL, variant("a", 0.0, 10), objective="latency_p99_batch1") == "full"


def test_choice_is_nothing_if_no_variant_keeps_a_constraint():
    variants = [FULL, variant("a", 0.001, 1000)]
    assert chosen(*variants, constraints={"max_embedding_bytes": 999}) is None


def test_choice_never_takes_a_diverged_variant():
    assert chosen(FULL, diverged("a", 10)) == "full"


def test_choice_with_a_diverged_baseline_is_refused():
    with pytest.raises(InputError, match="'full' diverged"):
        chosen(diverged("full", 4000), variant("a", 0.0, 10))


def test_choice_with_an_absent_baseline_is_refused():
    with pytest.raises(InputError, match="'robe' is not among the compared variants: full"):
        chosen(FULL, baseline="robe")


def test_front_holds_what_no_other_variant_beats():
    variants = [
        FULL,
        variant("worse_and_larger", 0.002, 2000),
        variant("smaller", 0.001, 1000),
        variant("equal_to_smaller", 0.001, 1000),
        variant("smallest", 0.1, 10),
        variant("larger_as_good_as_smaller", 0.001, 1001),
        diverged("gone", 1),
    ]
    results, _ = choose(variants, EvaluatorConfig(), 10_000)
    front = {each.name for each in results if each.is_on_front}
    assert front == {"full", "smaller", "equal_to_smaller", "smallest"}


def test_choose_keeps_order_and_measurements():
    variants = [FULL, variant("b", 0.0, 2), variant("a", 0.0, 3)]
    results, _ = choose(variants, EvaluatorConfig(), 10_000)
    assert [each.name for each in results] == ["full", "b", "a"]
    assert results[1].costs == variants[1].costs
