import pytest

from components.evaluator.preflight_facts import read_preflight
from components.evaluator.report.markdown import render_markdown
from components.evaluator.report.page import render_page
from tests.components.evaluator.report.sample import sample_comparison
from tests.components.preflight_sample import sample_result


@pytest.fixture
def compared(tmp_path):
    """Makes a comparison with a preflight of these fields."""

    def make(**fields):
        (tmp_path / "preflight.json").write_text(sample_result(**fields).model_dump_json())
        facts = read_preflight(str(tmp_path))
        return sample_comparison(2, chosen=None).model_copy(update={"preflight": facts})

    return make


def test_page_has_a_row_a_variant_and_four_cells_a_chip(compared):
    page = render_page(compared())
    section = page[page.index('id="h-preflight"') : page.index('id="h-data"')]
    assert section.count("<tr>") == 3
    assert '<th scope="col">v3: lower bound</th>' in section
    assert "libtpu 0.0.51" in section
    row = section[section.index('<th scope="row">full') :].partition("</tr>")[0]
    cells = row.replace("</td>", "").split("<td>")[1:]
    assert cells == [
        "256", "compiles", "46.4 MB of 16.9 GB", "16,384+ (~290,000)", "25.5 us",
        "does not fit", "–", "–", "–",
    ]  # fmt: skip


def test_limit_of_the_batch_has_no_plus(compared):
    page = render_page(compared())
    row = page[page.index('<th scope="row">hashing</th><td>256') :].partition("</tr>")[0]
    assert "<td>16,384</td>" in row


def test_page_and_markdown_without_a_preflight_have_no_such_section():
    assert "h-preflight" not in render_page(sample_comparison(2, chosen=None))
    assert "On TPUs" not in render_markdown(sample_comparison(2, chosen=None))


def test_skipped_preflight_says_why_and_has_no_table(compared):
    made = compared(skipped="no TPU compiler", cells=())
    page, text = render_page(made), render_markdown(made)
    assert "<p>Not checked: no TPU compiler.</p>\n</section>" in page
    assert text.endswith("### On TPUs\n\nNot checked: no TPU compiler.\n")


def test_markdown_has_a_line_a_variant(compared):
    text = render_markdown(compared(num_chips=4, spread="rows"))
    section = text[text.index("### On TPUs") :]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 2
    assert len({line.count("|") for line in lines}) == 1
    assert "spread over 4 devices; the rows of the tables, too." in section
