import pytest

from components.evaluator.report.table import render_table
from tests.components.evaluator.report.sample import sample_comparison, with_embedding_bytes


@pytest.fixture(scope="module")
def lines():
    return render_table(sample_comparison()).splitlines()


def test_table_of_the_chosen_variant_starts_with_a_star(lines):
    chosen = [line for line in lines[:13] if line.startswith("* ")]
    assert [line.split()[1] for line in chosen] == ["unified_int4"]


def test_table_shows_value_and_interval(lines):
    row = next(line for line in lines if line.split()[:1] == ["hashing"])
    # 1.96 * 0.0017 = 0.0033; a third of it for the paired difference.
    shown = " ".join(row.split())
    assert shown.startswith("hashing 0.7888 +-0.0033 -0.0087 +-0.0011 <0.001 483 kB 3.8x ")


def test_table_calls_larger_embeddings_so():
    text = render_table(with_embedding_bytes(sample_comparison(3, chosen="int8"), 9_197_440))
    row = next(line for line in text.splitlines() if line.startswith("* int8"))
    assert " 9.20 MB 5.0x larger " in " ".join(row.split())


def test_table_of_the_baseline_has_no_difference(lines):
    row = next(line for line in lines if line.split()[:1] == ["full"])
    assert row.split()[:5] == ["full", "0.7975", "+-0.0033", "-", "-"]


def test_table_lines_up_its_columns(lines):
    assert len({len(line) for line in lines[2:13]}) == 1, lines[:13]


def test_table_ends_with_reason_facts_and_seeds(lines):
    text = " ".join(" ".join(lines[13:]).split())
    assert text.startswith("* Ship unified_int4: 10.0x smaller embeddings")
    assert "100,000 eval rows, click rate 0.2552, 95 % intervals from 1,000 resamples" in text
    assert "noise of the seed" in text


def test_table_without_a_choice_has_no_star():
    text = render_table(sample_comparison(5, chosen=None))
    assert "* " not in text
    assert "Ship nothing" in text


@pytest.mark.parametrize("length", [5, 40, 200])
def test_table_is_at_most_120_wide(length):
    comparison = sample_comparison(3, chosen="int8")
    long = comparison.variants[2].model_copy(update={"name": "n" * length})
    named = comparison.model_copy(
        update={"variants": (*comparison.variants[:2], long), "chosen": long.name}
    )
    assert max(map(len, render_table(named).splitlines())) <= 120


def test_table_is_ascii_but_for_names(lines):
    assert "\n".join(lines).isascii()


def test_table_of_a_diverged_variant_says_so():
    comparison = sample_comparison(2, chosen="full")
    bad = comparison.variants[1].model_copy(update={"metrics": {}, "slices": ()})
    shown = comparison.model_copy(update={"variants": (comparison.variants[0], bad)})
    row = next(x for x in render_table(shown).splitlines() if "frequency_threshold" in x)
    assert row.split()[1:4] == ["diverged", "-", "-"]
