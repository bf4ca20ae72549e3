"""The plots of the page in a real browser."""

import math

import pytest
from selenium.webdriver.support.select import Select

from components.evaluator.report.findings import latency_finding
from components.quantities import significant
from tests.components.evaluator.report.in_browser import (
    PLOTS,
    count,
    show,
    ticks,
)
from tests.components.evaluator.report.sample import sample_comparison


def test_every_plot_is_drawn_with_points(ten):
    for plot in PLOTS:
        assert count(ten, f"#{plot} svg.main-svg") > 0, plot
    assert count(ten, "#pareto .scatterlayer .point") == 10
    assert count(ten, "#convergence .scatterlayer .js-line") == 10
    assert count(ten, "#tables .barlayer .point path") > 10
    assert count(ten, "#latency .boxlayer path.box") == 10
    assert count(ten, "#slice-others .scatterlayer .point") == 12
    assert count(ten, "#calibration .scatterlayer .js-line") == 2


@pytest.mark.parametrize(("name", "num_lines"), [("ten", 1), ("metric", 0)])
def test_front_has_a_line_only_if_it_is_one_of_the_cost_shown(browser, pages, name, num_lines):
    show(browser, pages / f"{name}.html")
    assert count(browser, "#pareto .scatterlayer .js-line") == num_lines
    assert count(browser, "#pareto .scatterlayer .point") == 10


def boxes(browser, selector: str) -> list[list[float]]:
    """Returns left, top, right and bottom of what is shown, a pixel less on each side."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.getBoundingClientRect())"
        ".filter(r => r.width > 0).map(r => [r.left + 1, r.top + 1, r.right - 1, r.bottom - 1])",
        selector,
    )


def meeting(some, others):
    return [
        (a, b)
        for a in some
        for b in others
        if a is not b and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_names_and_labels_do_not_meet_where_sizes_are_equal(browser, pages, width):
    show(browser, pages / "equal.html", width=width)
    names = boxes(browser, "#pareto .textpoint text")
    labels = boxes(browser, "#pareto .annotation")
    markers = boxes(browser, "#pareto .scatterlayer .point")
    assert (len(labels), len(markers)) == (2, 10)
    assert len(names) >= 6
    texts = [*names, *labels]
    assert meeting(texts, texts) == []
    assert meeting(labels, markers) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_names_stand_nearest_to_their_own_points(browser, pages, width):
    show(browser, pages / "equal.html", width=width)
    found = browser.execute_script(
        "const all = selector => [...document.querySelectorAll(`#pareto ${selector}`)];"
        "const of = mode => document.getElementById('pareto').data"
        ".filter(t => t.mode.includes(mode));"
        "const texts = all('.textpoint text'), points = all('.scatterlayer .point');"
        "return of('text').map((t, i) => [texts[i],"
        " points[of('markers').findIndex(m => m.name === t.name)]]"
        ".map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom]))"
    )
    assert len(found) >= 6
    points = [
        [(p[0] + p[2]) / 2, (p[1] + p[3]) / 2]
        for p in boxes(browser, "#pareto .scatterlayer .point")
    ]
    for name, point in found[2:]:  # the chosen and the baseline are named in any case
        own = [(point[0] + point[2]) / 2, (point[1] + point[3]) / 2]
        nearest = min(points, key=lambda p: distance(name, p))
        assert distance(name, nearest) == pytest.approx(distance(name, own), abs=1.0), (name, own)


def distance(box, point) -> float:
    dx = max(box[0] - point[0], 0, point[0] - box[2])
    return math.hypot(dx, max(box[1] - point[1], 0, point[1] - box[3]))


def test_label_of_a_level_covers_the_lines_below_it(ten):
    fills = ten.execute_script(
        "return [...document.querySelectorAll('#pareto .annotation rect.bg')]"
        ".map(e => getComputedStyle(e).fill)"
    )
    assert fills == ["rgb(255, 255, 255)"] * 2


def test_slices_that_were_not_measured_stay_empty(ten):
    texts = ten.execute_script(
        "return [...document.querySelectorAll('#slice-bands .heatmap-label')]"
        ".map(label => label.textContent)"
    )
    numbers = [text for text in texts if text]
    assert len(numbers) == 26 * 5 - 2
    assert {text[0] for text in numbers} == {"+", "−"}


def test_variants_with_similar_names_keep_their_own_rows(browser, pages):
    show(browser, pages / "odd.html", width=390)
    labels = browser.execute_script(
        "return [...document.querySelectorAll('#tables .ytick')].map(label => label.textContent)"
    )
    assert labels == ["the_same…pt><b>&", "the_same…riant_1", "full"]


def test_choice_of_variant_changes_the_slices(ten):
    def shown() -> tuple[str, list[float]]:
        changes = ten.execute_script(
            "return document.getElementById('slice-others').data.map(trace => trace.x[0])"
        )
        return ten.find_element("id", "c-slices").text, changes

    text, changes = shown()
    assert text.startswith("unified_int4: AUC ROC differs from full in ")
    Select(ten.find_element("id", "slice-variant")).select_by_visible_text("hashing")
    other_text, other_changes = shown()
    assert other_text.startswith("hashing: AUC ROC differs")
    assert sum(other_changes) < sum(changes)


def test_small_differences_show_the_digits_they_need(browser, pages):
    show(browser, pages / "tiny.html")
    Select(browser.find_element("id", "slice-variant")).select_by_visible_text("hashing")
    assert float(worst_change(browser)) < -1e-6
    numbers = browser.execute_script(
        "return document.getElementById('slice-bands').data[0].text.flat().filter(Boolean)"
    )
    assert len(numbers) > 0
    assert all(float(number.replace("−", "-")) != 0 for number in numbers)
    for plot, axis in (("slice-others", "x"), ("convergence", "y")):
        texts = ticks(browser, plot, axis)
        assert len(set(texts)) == len(texts) >= 3, texts
        assert all(set(text) <= set("−0123456789.") for text in texts), texts


def worst_change(browser) -> str:
    text = browser.find_element("id", "c-slices").text
    return text.partition(", ")[2].split(" (")[0].replace("−", "-")


def test_choice_of_metric_turns_worse_and_better_around(ten):
    def ends() -> str:
        return ten.find_element("id", "slice-scale").text

    Select(ten.find_element("id", "slice-variant")).select_by_visible_text("hashing")
    assert ends().startswith("worse −")
    Select(ten.find_element("id", "slice-metric")).select_by_visible_text("logloss")
    assert ends().startswith("better −")
    assert ten.find_element("id", "c-slices").text.startswith("hashing: logloss differs")


def test_choice_of_batch_size_changes_the_latencies(ten):
    longest = "return Math.max(...document.getElementById('latency').data.at(-1).x)"
    before = ten.execute_script(longest)
    Select(ten.find_element("id", "batch-size")).select_by_visible_text("2,048")
    assert ten.execute_script(longest) > 5 * before


def test_latency_caption_is_about_the_chosen_batch_size(ten):
    def caption() -> str:
        return ten.find_element("id", "c-latency").text

    note = "Box: the middle half of the calls, with the median; whiskers: 2.5 % to 97.5 %;"
    static = latency_finding(sample_comparison())
    assert static.startswith("99 of 100 calls with 1 row take at most ")
    assert caption().startswith(f"{static} {note}")
    Select(ten.find_element("id", "batch-size")).select_by_visible_text("2,048")
    assert caption().startswith("99 of 100 calls with 2,048 rows take at most ")
    assert caption().count(note) == 1
    longest = ten.execute_script(
        "return Math.max(...document.getElementById('latency').data.at(-1).x)"
    )
    assert f" to {significant(longest)} ms (" in caption()


def test_bytes_have_one_unit(ten):
    assert ticks(ten, "tables", "x")[:2] == ["0 MB", "0.5 MB"]
