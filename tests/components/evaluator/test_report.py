import math
import re
from xml.etree import ElementTree

import pytest

from components.evaluator.plot import auc_against_bytes_svg
from components.evaluator.report import render_report
from tests.components.evaluator.tiny import comparison, result

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def shown():
    return comparison(
        result("full", 0.8, 4_000_000),
        result("hashing", 0.7979, 1_000_000),
        result("broken", math.nan, 1000),
        chosen="hashing",
        best_auc_roc=0.81,
        best_logloss=0.44,
    )


@pytest.fixture(scope="module")
def page(shown):
    return render_report(shown)


def texts(svg: str) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


def test_page_starts_with_the_reason(page):
    assert re.search(r"<h1>(.*?)</h1>", page).group(1) == "Ship hashing: a reason."


def test_page_marks_only_the_chosen_row(page):
    rows = re.findall(r'<tr class="chosen"><th scope="row">(\w+)', page)
    assert rows == ["hashing"]


def test_page_shows_every_variant_and_the_best_achievable(page):
    assert re.findall(r'<th scope="row">(\w+)', page) == ["full", "hashing", "broken"]
    assert "best achievable auc_roc 0.8100" in page
    assert "best achievable logloss 0.4400" in page


def test_page_loads_nothing_from_outside(page):
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\((?!#)|@import|<script""", page)


def test_page_fills_every_placeholder(page):
    assert not re.findall(r"\$\{?[a-z_]+", page)


def test_page_escapes_what_comes_from_names(shown):
    page = render_report(shown.model_copy(update={"reason": "Ship <b>&co"}))
    assert "<h1>Ship &lt;b&gt;&amp;co</h1>" in page


def test_plot_names_each_variant_that_has_a_point_and_both_levels(shown):
    found = texts(auc_against_bytes_svg(shown))
    assert {"full", "hashing", "lowest allowed 0.7950", "best achievable 0.8100"} <= set(found)
    assert "broken" not in found


def test_plot_of_the_same_comparison_is_the_same_text(shown):
    assert auc_against_bytes_svg(shown) == auc_against_bytes_svg(shown)


def test_plot_keeps_the_names_of_close_variants_apart():
    close = [result(f"variant_{i}", 0.8 - i * 1e-6, 1_000_000 + i) for i in range(6)]
    root = ElementTree.fromstring(auc_against_bytes_svg(comparison(*close, chosen="variant_0")))
    boxes = [
        name_box(node)
        for node in root.iter(f"{SVG}text")
        if "".join(node.itertext()).strip().startswith("variant_")
    ]
    assert len(boxes) == 6
    for number, (left, right, baseline) in enumerate(boxes):
        for other_left, other_right, other_baseline in boxes[:number]:
            beside = left > other_right or right < other_left
            assert beside or abs(baseline - other_baseline) > 10


def name_box(node: ElementTree.Element) -> tuple[float, float, float]:
    """Returns left, right and baseline of a name of 9 letters, about 55 points wide."""
    x, y = float(node.attrib["x"]), float(node.attrib["y"])
    anchor = re.search(r"text-anchor: (\w+)", node.attrib["style"]).group(1)
    left = x - {"start": 0, "middle": 27.5, "end": 55}[anchor]
    return left, left + 55, y


def test_plot_of_one_variant_without_embeddings():
    assert "full" in texts(auc_against_bytes_svg(comparison(result("full", 0.5, 0), chosen="full")))


def test_plot_keeps_its_axis_label_clear_of_long_tick_labels():
    close = [result("full", 0.7990, 4_000_000), result("hashing", 0.7979, 1_000_000)]
    svg = auc_against_bytes_svg(comparison(*close, chosen="hashing", max_auc_loss=0.0025))
    ends = {}
    for node in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        ends["".join(node.itertext()).strip()] = float(node.attrib["x"])
    # A tick label ends at its x, with letters of at most 0.65 of the font size of 10.5 points. The
    # axis label stands upright on its x and reaches a quarter of the font size beyond it.
    left = ends["0.7975"] - len("0.7975") * 0.65 * 10.5
    assert ends["auc_roc on the eval split"] + 10.5 / 4 < left - 4
