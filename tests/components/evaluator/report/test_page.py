import re
from html.parser import HTMLParser

import pytest

from components.evaluator.report.page import render_page
from components.quantities import significant
from tests.components.evaluator.report.sample import sample_comparison, with_embedding_bytes

VOID = {"meta", "link", "input", "wbr", "br", "hr", "img"}


@pytest.fixture(scope="module")
def page():
    return render_page(sample_comparison())


def without_plotly(page: str) -> str:
    """Returns the page without plotly.js, which is most of it."""
    start = page.index("<script>", page.index('id="data"'))
    end = page.index("</script>", start) + len("</script>")
    return page[:start] + page[end:]


def figures_of(page: str) -> dict[str, str]:
    """Returns title -> number of the key figures."""
    return dict(re.findall(r'"figure"><dt>([^<]+)</dt><dd>([^<]+)<small>', page))


class Elements(HTMLParser):
    """Notes elements that are not closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)


def test_page_starts_with_the_reason(page):
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", page)
    assert heading.group(1).startswith("Ship unified_int4: 10.0x smaller embeddings")


def test_page_shows_the_key_figures_of_the_chosen_variant(page):
    figures = re.findall(r"<dd>([^<]+)<small>([^<]+)", page)
    assert [number for number, _ in figures][:2] == ["10.0x", "−0.0009"]
    assert "−0.0020 to +0.0002 with 95 %" in figures[1][1]
    assert len(figures) == 4


def test_page_without_a_choice_says_so_in_the_same_place():
    page = render_page(sample_comparison(5, chosen=None))
    assert re.search(r"<h1[^>]*>(.*?)</h1>", page).group(1).startswith("Ship nothing: ")
    figures = figures_of(page)
    assert figures["variants that keep all constraints"] == "0"
    assert figures["nearest: quotient_remainder"] == "+0.0006"


@pytest.mark.parametrize(
    ("size", "title", "number"),
    [
        (9_197_440, "larger embeddings", "5.0x"),
        (0, "no embedding table", "0 B"),
        (1_839_488, "embeddings of about the same size", "1.84 MB"),
    ],
)
def test_page_does_not_call_embeddings_smaller_that_are_not(size, title, number):
    figures = figures_of(render_page(with_embedding_bytes(sample_comparison(), size)))
    assert figures[title] == number
    assert "smaller embeddings" not in figures


def test_page_promises_more_eval_rows_if_they_decide_all_that_a_variant_misses():
    comparison = sample_comparison(5, chosen=None)
    # All five also exceed max_serving_bytes, which no row decides.
    assert "more eval rows" not in figures_of(render_page(comparison))
    variants = tuple(
        result.model_copy(update={"constraints": result.constraints[:1]})
        for result in comparison.variants
    )
    page = render_page(comparison.model_copy(update={"variants": variants}))
    assert figures_of(page)["more eval rows"] == "240,000"


def test_page_shows_the_rows_and_clicks_of_each_span(page):
    table = page[page.index("Rows and clicks of each span") :]
    cells = re.findall(r'<t[hd](?: scope="row")?>([^<]*)', table[: table.index("</table>")])
    assert cells[-6:] == [
        "2026-01-15",
        "400,000, 102,000 (25.50 %)",
        "40,000, 10,418 (26.05 %)",
        "2026-01-16",
        "–",
        "60,000, 15,100 (25.17 %)",
    ]


def test_page_of_many_spans_shows_them_on_request():
    comparison = sample_comparison(1, chosen="full")
    spans = tuple(
        comparison.data.spans[0].model_copy(update={"name": f"day {number}"})
        for number in range(11)
    )
    data = comparison.data.model_copy(update={"spans": spans})
    page = render_page(comparison.model_copy(update={"data": data}))
    assert page.count("<details><summary>Rows of each span</summary>") == 1
    assert page.count('<th scope="row">day ') == 11


def test_page_of_a_log_without_spans_has_no_table_of_them():
    comparison = sample_comparison(1, chosen="full")
    data = comparison.data.model_copy(update={"spans": ()})
    page = render_page(comparison.model_copy(update={"data": data}))
    assert "Rows and clicks of each span" not in page


def test_page_says_that_generated_rows_are(page):
    assert "<p>The rows are generated, not logged: no model can reach" in page


def test_page_says_by_which_column_rows_are_weighted():
    comparison = sample_comparison(1, chosen="full")
    data = comparison.data.model_copy(update={"weight_column": "value"})
    page = render_page(comparison.model_copy(update={"data": data}))
    assert "Rows are weighted by the log&#x27;s column value: losses" in page
    assert "<dt>weights of the rows</dt><dd>value</dd>" in page


def test_page_tells_the_commit_and_whether_files_differed():
    comparison = sample_comparison(1, chosen="full")
    for has_changes, text in ((False, "<dd>1f0ed52</dd>"), (True, "<dd>1f0ed52, with local")):
        known = {"commit": "1f0ed52", "has_local_changes": has_changes}
        lineage = comparison.lineage.model_copy(update=known)
        assert text in render_page(comparison.model_copy(update={"lineage": lineage}))


def test_page_shows_the_interval_of_a_latency_below_it(page):
    latency = sample_comparison().variants[0].latency[0]
    low, high = significant(latency.p99_low_ms), significant(latency.p99_high_ms)
    assert f"{significant(latency.p99_ms)} ms<small>{low} to {high} ms</small>" in page


def test_page_of_a_front_of_a_metric_says_so_below_the_plot():
    page = render_page(sample_comparison().model_copy(update={"objective": "logloss"}))
    caption = re.search(r'<figcaption id="c-pareto">(.*?)</figcaption>', page).group(1)
    assert "better in logloss and in auc_roc" in caption
    assert caption.endswith("no line joins them.")


def test_page_marks_only_the_chosen_row(page):
    rows = re.findall(r'<tr class="chosen"><th scope="row" data-order="(\w+)"', page)
    assert rows == ["unified_int4"]


def test_page_loads_nothing_from_outside(page):
    own = without_plotly(page)
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)[^"']*""", own) == []
    assert re.findall(r"url\(|@import|fetch\(|XMLHttpRequest|https?://", own) == []


def test_page_fills_every_placeholder(page):
    body = page[page.index("<body>") : page.index('<script type="application/json"')]
    assert re.findall(r"\$\{?[a-z_]+", body) == []


def test_page_closes_what_it_opens(page):
    elements = Elements()
    elements.feed(without_plotly(page))
    assert (elements.wrong, elements.open) == ([], [])


def test_page_ids_are_unique(page):
    ids = re.findall(r'\sid="([^"]+)"', without_plotly(page))
    assert len(ids) == len(set(ids))


def test_page_escapes_what_comes_from_names():
    evil = "<img src=x onerror=alert(1)>&</script>"
    comparison = sample_comparison(2, chosen="full")
    named = comparison.variants[1].model_copy(update={"name": evil, "verdict": evil})
    shown = comparison.model_copy(
        update={"variants": (comparison.variants[0], named), "reason": evil}
    )
    page = without_plotly(render_page(shown))
    assert "<img" not in page
    assert page.count("</script>") == without_plotly(render_page(comparison)).count("</script>")


def test_page_of_several_seeds_has_columns_of_both_errors(page):
    several = render_page(sample_comparison(2, num_seeds=3, chosen="full"))
    row = several[several.index('data-order="frequency_threshold"') :]
    cells = re.findall(r"<td[^>]*>([^<]*)", row[: row.index("</tr>")])
    assert "0.00057" in cells
    assert "0.00017" in cells
    assert "error by seeds" not in page


def test_page_shows_how_configurations_differ_first(page):
    table = page[page.index("Where the trainers") :]
    assert re.findall(r'<th scope="col">([^<]+)', table)[:3] == [
        "variant",
        "embedding.method",
        "embedding.options",
    ]


def test_page_says_which_flags_of_the_run_it_does_not_know(page):
    words = " ".join(page[page.index("Run it again") :].split())
    assert "Add the run's --preset, --data, --schema and further --set yourself" in words


def test_page_of_one_variant_that_diverged():
    comparison = sample_comparison(1, chosen="full")
    bare = comparison.variants[0].model_copy(update={"metrics": {}, "slices": (), "costs": {}})
    page = render_page(comparison.model_copy(update={"variants": (bare,), "chosen": None}))
    assert ">diverged<" in page


def test_page_of_24_variants_is_under_6_megabytes():
    assert len(render_page(sample_comparison(24)).encode()) < 6_000_000
