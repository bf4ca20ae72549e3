import math

from components.evaluator.table import render_table
from tests.components.evaluator.tiny import comparison, result


def test_table_of_two_variants():
    small = result("hashing", 0.7979, 1_000_000)
    text = render_table(comparison(result("full", 0.8, 4_000_000), small, chosen="hashing"))
    parts = [line.split() for line in text.splitlines()[:5]]
    assert parts[0][:2] == ["variant", "auc_roc"]
    assert parts[1] == ["baseline", "entropy", "MB", "by", "MB", "s", "per", "s"]
    full = "full 0.8000 - 0.4500 0.8000 1.010 1,000,000 4.00 1.0x 4.50 12.3 98,765"
    hashing = "* hashing 0.7979 -0.0021 0.4500 0.8000 1.010 250,000 1.00 4.0x 1.50 12.3 98,765"
    assert parts[3:] == [full.split(), hashing.split()]


def test_table_lines_up_its_columns():
    text = render_table(comparison(result("full", 0.8, 4000), result("a", 0.7, 4), chosen="full"))
    table = text.split("\n\n")[0].splitlines()
    ends = {len(line) for line in table if line.strip()[-1] != "s"}
    assert len(ends) == 1, table


def test_table_ends_with_reason_and_facts():
    shown = comparison(result("full", 0.8, 4000), chosen="full", best_auc_roc=0.81234)
    assert render_table(shown).splitlines()[-2:] == [
        "* Ship full: a reason.",
        "  20,000 eval rows, click rate 0.2500, best achievable auc_roc 0.8123",
    ]


def test_table_of_a_diverged_variant_says_so():
    bad = result("a", math.nan, 4)
    text = render_table(comparison(result("full", 0.8, 4000), bad, chosen="full"))
    row = next(line.split() for line in text.splitlines() if line.startswith("  a "))
    assert row[1:6] == ["diverged", "-", "-", "-", "-"]
    assert "nan" not in text
