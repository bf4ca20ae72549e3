import pytest

from components.evaluator.report.page import render_page
from tests.browser import browser  # noqa: F401
from tests.components.evaluator.report.in_browser import show
from tests.components.evaluator.report.sample import sample_comparison
from tests.components.evaluator.report.sample_extremes import (
    equal_comparison,
    odd_comparison,
    tiny_comparison,
)


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The folder of the pages, one a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    comparisons = {
        "ten": sample_comparison(),
        "none": sample_comparison(5, num_seeds=3, chosen=None),
        "many": sample_comparison(24),
        "odd": odd_comparison(),
        "metric": sample_comparison().model_copy(update={"objective": "logloss"}),
        "tiny": tiny_comparison(),
        "equal": equal_comparison(),
    }
    for name, comparison in comparisons.items():
        (folder / f"{name}.html").write_text(render_page(comparison), encoding="utf-8")
    return folder


@pytest.fixture
def ten(browser, pages):  # noqa: F811
    """The browser with the page of ten variants open."""
    show(browser, pages / "ten.html")
    return browser
