import math

import pytest

from components.errors import InputError
from components.evaluator.choice import choice_reason, choose_variant
from tests.components.evaluator.tiny import result

FULL = result("full", 0.8, 4000)


def test_choice_is_the_smallest_variant_within_the_loss():
    variants = [FULL, result("a", 0.797, 2000), result("b", 0.796, 1000), result("c", 0.79, 10)]
    assert choose_variant(variants, "full", 0.005).name == "b"


def test_choice_keeps_the_baseline_when_no_other_is_within_the_loss():
    variants = [FULL, result("a", 0.7949, 1000), result("b", 0.5, 10)]
    assert choose_variant(variants, "full", 0.005).name == "full"


def test_choice_with_the_baseline_only():
    assert choose_variant([FULL], "full", 0.0).name == "full"


def test_choice_allows_a_loss_of_exactly_the_limit():
    # 0.8 - 0.005 is a little more than 0.795 in binary.
    assert choose_variant([FULL, result("a", 0.795, 1000)], "full", 0.005).name == "a"


def test_choice_between_equal_sizes_takes_the_higher_auc_roc():
    variants = [FULL, result("a", 0.796, 1000), result("b", 0.798, 1000)]
    assert choose_variant(variants, "full", 0.005).name == "b"


def test_choice_of_a_full_tie_is_the_first_name_in_any_order():
    tied = [result("b", 0.8, 4000), FULL, result("a", 0.8, 4000)]
    assert choose_variant(tied, "full", 0.005).name == "a"
    assert choose_variant(tied[::-1], "full", 0.005).name == "a"


def test_choice_ignores_a_larger_variant_though_it_is_better():
    assert choose_variant([FULL, result("a", 0.9, 4001)], "full", 0.005).name == "full"


def test_choice_never_takes_a_diverged_variant():
    assert choose_variant([FULL, result("a", math.nan, 1)], "full", 1.0).name == "full"


def test_choice_of_a_diverged_baseline_names_it():
    with pytest.raises(InputError, match="'full' diverged"):
        choose_variant([result("full", math.nan, 4000), result("a", 0.7, 1)], "full", 0.005)


def test_choice_without_the_baseline_names_it_and_the_variants():
    with pytest.raises(InputError, match=r"'full' is not among the compared variants: a, b"):
        choose_variant([result("a", 0.7, 1), result("b", 0.7, 1)], "full", 0.005)


def reason(chosen, *others):
    return choice_reason(chosen, FULL, [FULL, chosen, *others], 0.005)


def test_reason_names_ratio_loss_and_limit():
    assert reason(result("hashing", 0.7979, 1000)) == (
        "Ship hashing: 4.0x smaller embeddings, auc_roc 0.0021 below full (limit 0.005)."
    )


def test_reason_of_a_better_variant_has_no_limit():
    assert reason(result("hashing", 0.8012, 1000)) == (
        "Ship hashing: 4.0x smaller embeddings, auc_roc 0.0012 above full."
    )


def test_reason_of_a_difference_too_small_to_print_names_none():
    assert reason(result("hashing", 0.79998, 1000)) == (
        "Ship hashing: 4.0x smaller embeddings, the same auc_roc as full."
    )


def test_reason_of_the_baseline_says_that_nothing_smaller_is_good_enough():
    assert reason(FULL, result("hashing", 0.7, 1000)) == (
        "Ship full, the baseline: no smaller variant stays within 0.005 of its auc_roc."
    )


@pytest.mark.parametrize("others", [[], [result("wide", 0.9, 8000), result("twin", 0.79, 4000)]])
def test_reason_of_the_baseline_says_that_nothing_smaller_was_compared(others):
    assert reason(FULL, *others) == "Ship full, the baseline: no smaller variant was compared."


def test_reason_of_a_variant_without_embeddings_divides_by_nothing():
    assert "no embedding table" in reason(result("dense", 0.8, 0))
