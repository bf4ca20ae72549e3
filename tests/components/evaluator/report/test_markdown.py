import pytest

from components.evaluator.report.markdown import escaped, render_markdown
from tests.components.evaluator.report.sample import sample_comparison


@pytest.fixture(scope="module")
def text():
    return render_markdown(sample_comparison())


def test_markdown_starts_with_the_reason(text):
    assert text.startswith("## Ship unified_int4: 10.0x smaller embeddings, auc_roc 0.0009 below")


def test_markdown_table_has_as_many_cells_in_each_row(text):
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 10
    assert len({row.count("|") for row in rows}) == 1


def test_markdown_marks_the_chosen_variant_only(text):
    (line,) = (line for line in text.splitlines() if "✓" in line)
    assert line.startswith("| **unified_int4** ✓ |")


def test_markdown_shows_what_is_more_than_chance_in_bold(text):
    rows = {line.split(" | ")[0][2:]: line for line in text.splitlines() if line.startswith("| ")}
    assert "**-0.0087 ±0.0011**" in rows["hashing"]
    assert "**" not in rows["int8"]


def test_markdown_names_failed_constraints_and_the_rows_that_would_decide(text):
    # 0.0043 + 1.645 * 0.0017 / 3 = 0.0052
    assert (
        "- max_auc_loss 0.0050: measured 0.0043, at worst 0.0052; fails by 0.0002; about 240,000 "
        "more eval rows would decide it"
    ) in text


def test_markdown_says_where_a_variant_loses_most(text):
    lines = text[text.index("### Where") :].splitlines()
    found = [line for line in lines if line.startswith("- **hashing**")]
    assert len(found) == 1
    assert " = tail: auc_roc -0.0" in found[0]


def test_markdown_without_a_choice_starts_with_the_reason():
    assert render_markdown(sample_comparison(5, chosen=None)).startswith("## Ship nothing: ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[a](b)", r"\[a\](b)"),
        ("two\nlines", "two lines"),
        ("auc_roc", "auc_roc"),
        ("_a_ *b* `c`", r"\_a\_ \*b\* \`c\`"),
        ("@team #1", r"\@team \#1"),
    ],
)
def test_escaped_text_is_shown_as_it_is(text, shown):
    assert escaped(text) == shown
