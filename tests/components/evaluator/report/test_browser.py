"""The page in a real browser: headless Chromium (Debian: chromium, chromium-driver)."""

import math
import shutil

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.select import Select

from components.evaluator.report.findings import latency_finding
from components.evaluator.report.page import render_page
from tests.components.evaluator.report.sample import sample_comparison

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
PLOTS = (
    "pareto",
    "slice-bands",
    "slice-others",
    "convergence",
    "calibration",
    "latency",
    "tables",
)

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no browser: install Chromium and its driver (Debian: chromium, chromium-driver)",
)


@pytest.fixture(scope="module")
def browser():
    options = Options()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    comparisons = {
        "ten": sample_comparison(),
        "none": sample_comparison(5, num_seeds=3, chosen=None),
        "many": sample_comparison(24),
        "odd": odd_comparison(),
        "metric": sample_comparison().model_copy(update={"objective": "logloss"}),
        "tiny": tiny_comparison(),
    }
    for name, comparison in comparisons.items():
        (folder / f"{name}.html").write_text(render_page(comparison), encoding="utf-8")
    return folder


def odd_comparison():
    """Returns a comparison of which little was measured, with names that are long and hostile."""
    comparison = sample_comparison(3, chosen="full")
    long = "the_same_start_of_a_long_name_of_a_variant_"
    names = ("full", f"{long}1", f"{long}2 </script><b>&")
    bare = {"latency": (), "slices": (), "loss_curve": (), "eval_curve": (), "costs": {}}
    changes = [{}, {"costs": {"embedding_bytes": 0}}, {**bare, "metrics": {}}]
    variants = tuple(
        variant.model_copy(update={"name": name, **change})
        for variant, name, change in zip(comparison.variants, names, changes, strict=True)
    )
    return comparison.model_copy(
        update={"variants": variants, "best_auc_roc": None, "target_logloss": None}
    )


def tiny_comparison():
    """Returns a comparison of which slices differ by 1e-6 and curves by 1e-4."""
    comparison = sample_comparison()
    factor = 1e-3

    def scaled(metric):
        if metric.difference is None:
            return metric
        names = ("value", "standard_error", "low", "high")
        parts = {name: getattr(metric.difference, name) * factor for name in names}
        return metric.model_copy(update={"difference": metric.difference.model_copy(update=parts)})

    variants = tuple(
        result.model_copy(
            update={
                "slices": tuple(
                    part.model_copy(
                        update={"metrics": {n: scaled(m) for n, m in part.metrics.items()}}
                    )
                    for part in result.slices
                ),
                "eval_curve": tuple(
                    point.model_copy(update={"logloss": 0.61 + (point.logloss - 0.45) * factor})
                    for point in result.eval_curve
                ),
            }
        )
        for result in comparison.variants
    )
    return comparison.model_copy(update={"variants": variants, "target_logloss": None})


def show(browser, path, width=1440, theme="light"):
    """Opens a page at this width, for someone who prefers this theme."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": theme}]},
    )
    browser.get(path.as_uri())
    wait_until_drawn(browser)


def wait_until_drawn(browser):
    browser.execute_async_script(
        "const wait = done => 'drawn' in document.documentElement.dataset ? done()"
        " : setTimeout(wait, 10, done); wait(arguments[0])"
    )


@pytest.fixture
def ten(browser, pages):
    show(browser, pages / "ten.html")
    return browser


def count(browser, selector: str) -> int:
    return browser.execute_script("return document.querySelectorAll(arguments[0]).length", selector)


def column_of(browser, number: int) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll('#variants tbody tr')]"
        ".map(row => row.cells[arguments[0]].dataset.order)",
        number,
    )


@pytest.mark.parametrize("name", ["ten", "none", "many", "odd", "metric", "tiny"])
def test_page_opens_without_an_error(browser, pages, name):
    show(browser, pages / f"{name}.html")
    assert browser.get_log("browser") == []


def test_every_plot_is_drawn_with_points(ten):
    for plot in PLOTS:
        assert count(ten, f"#{plot} svg.main-svg") > 0, plot
    assert count(ten, "#pareto .scatterlayer .point") == 10
    assert count(ten, "#convergence .scatterlayer .js-line") == 10
    assert count(ten, "#tables .barlayer .point path") > 10
    assert count(ten, "#latency .boxlayer path.box") == 10
    assert count(ten, "#slice-others .scatterlayer .point") == 10
    assert count(ten, "#calibration .scatterlayer .js-line") == 2


@pytest.mark.parametrize(("name", "num_lines"), [("ten", 1), ("metric", 0)])
def test_front_has_a_line_only_if_it_is_one_of_the_cost_shown(browser, pages, name, num_lines):
    show(browser, pages / f"{name}.html")
    assert count(browser, "#pareto .scatterlayer .js-line") == num_lines
    assert count(browser, "#pareto .scatterlayer .point") == 10


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


def test_every_plot_has_a_text_alternative(ten):
    texts = ten.execute_script(
        "return [...document.querySelectorAll('.plot')].map(plot => plot.getAttribute("
        "'aria-labelledby').split(' ').map(id => document.getElementById(id).innerText).join(' '))"
    )
    assert len(texts) == len(PLOTS)
    assert all(len(text) > 40 for text in texts), texts


def test_click_on_a_head_sorts_the_table(ten):
    head = ten.find_elements("css selector", "#variants thead button")[2]
    for state, factor in (("descending", -1), ("ascending", 1)):
        head.click()
        order = column_of(ten, 2)
        assert order[-1] == ""  # the baseline has no difference to itself
        numbers = [float(text) for text in order[:-1]]
        assert numbers == sorted(numbers, key=lambda number: factor * number)
        header = ten.execute_script("return arguments[0].closest('th').ariaSort", head)
        assert header == state
    assert count(ten, "#variants th[aria-sort='none']") == count(ten, "#variants thead th") - 1


def test_click_on_the_first_head_sorts_by_name(ten):
    ten.find_element("css selector", "#variants thead button").click()
    assert column_of(ten, 0) == sorted(column_of(ten, 0))


def test_all_of_a_head_sorts(ten):
    ten.find_element("id", "all-columns").click()
    missed = ten.execute_script(
        "const table = document.getElementById('variants'); table.scrollIntoView();"
        "const heads = [...table.tHead.rows[0].cells].slice(0, 6);"
        "return heads.filter(head => { const box = head.getBoundingClientRect();"
        "return [box.top + 3, box.bottom - 3].some(y => document.elementFromPoint("
        "box.left + box.width / 2, y) !== head.querySelector('button')); }).length"
    )
    assert missed == 0


@pytest.mark.parametrize("element", ["#variants", "pre"])
def test_edge_is_shaded_where_there_is_more_to_scroll_to(browser, pages, element):
    def has_shade() -> bool:
        image = browser.execute_script(
            "return getComputedStyle(document.querySelector(arguments[0]).closest('.scroll'))"
            ".backgroundImage",
            element,
        )
        return image.count("linear-gradient") == 4

    show(browser, pages / "ten.html", width=390)
    assert has_shade()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not has_shade()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_all_columns_are_shown_on_request(ten):
    visible = "return [...document.querySelectorAll('#variants thead th')].filter(" + (
        "head => head.offsetWidth > 0).length"
    )
    before = ten.execute_script(visible)
    ten.find_element("id", "all-columns").click()
    assert before < ten.execute_script(visible) == count(ten, "#variants thead th")


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


def ticks(browser, plot: str, axis: str) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(tick => tick.textContent)",
        f"#{plot} .{axis}tick",
    )


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
    assert f" to {longest:.2f} ms (" in caption()


def test_bytes_have_one_unit(ten):
    assert ticks(ten, "tables", "x")[:2] == ["0 MB", "0.5 MB"]


def test_button_changes_the_theme_of_page_and_plots(ten):
    def colors() -> tuple[str, str]:
        return tuple(
            ten.execute_script(
                "return [getComputedStyle(document.body).backgroundColor, "
                "document.getElementById('pareto').layout.paper_bgcolor]"
            )
        )

    before = colors()
    assert before[0] == before[1] == "rgb(255, 255, 255)"
    ten.find_element("id", "theme").click()
    after = colors()
    assert after[0] == after[1] != before[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility_check_finds_nothing(browser, pages, theme):
    show(browser, pages / "none.html", theme=theme)
    browser.find_element("id", "all-columns").click()
    # What is inside of a plot is one image to who cannot see it; its colors have a test below.
    result = Axe().run(browser, {"exclude": [[".plot svg"]]}, {"resultTypes": ["violations"]})
    violations = result["violations"]
    assert len(result["passes"]) > 20
    assert [
        (found["id"], [node["html"][:200] for node in found["nodes"]]) for found in violations
    ] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_the_plots_stand_out(browser, pages, theme):
    show(browser, pages / "none.html", theme=theme)
    page, ink, muted, *hues = browser.execute_script(
        "const rgb = text => { const c = document.createElement('canvas').getContext('2d');"
        "c.fillStyle = text; c.fillRect(0, 0, 1, 1);"
        "return [...c.getImageData(0, 0, 1, 1).data]; };"
        "const found = colors();"
        "return [found.page, found.ink, found.muted, ...hues()].map(rgb)"
    )
    assert min(contrast(page, ink), contrast(page, muted)) >= 4.5
    # Lines and markers need 3; names of variants in the Pareto plot have the first hue.
    assert min(contrast(page, hue) for hue in hues) >= 3
    assert contrast(page, hues[0]) >= 4.5


def contrast(first: list[int], second: list[int]) -> float:
    """Returns the contrast ratio of two colors (WCAG 2.1)."""

    def luminance(color: list[int]) -> float:
        parts = [part / 255 for part in color[:3]]
        linear = [p / 12.92 if p <= 0.04045 else math.pow((p + 0.055) / 1.055, 2.4) for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "width"), [("odd", 390), ("many", 390), ("many", 820), ("many", 1440)]
)
def test_nothing_overflows_the_page(browser, pages, name, width):
    show(browser, pages / f"{name}.html", width=width)
    browser.find_element("id", "all-columns").click()
    assert browser.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    beyond = browser.execute_script(
        "return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg') "
        "&& e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_plots_follow_the_width_of_the_window(ten):
    def width() -> int:
        return ten.execute_script("return document.getElementById('pareto').layout.width")

    before = width()
    ten.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 600, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    ten.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
    wait_until_drawn(ten)
    assert width() < 600 < before


def test_print_shows_light_plots_that_fit_and_opens_details(browser, pages):
    show(browser, pages / "ten.html", theme="dark")
    browser.execute_script(
        "addEventListener('beforeprint', () => { const plot = document.getElementById('pareto');"
        "window.printed = [plot.layout.width, plot.layout.paper_bgcolor, "
        "document.querySelectorAll('details:not([open])').length]; })"
    )
    browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert browser.execute_script("return window.printed") == [680, "rgb(255, 255, 255)", 0]
    after = browser.execute_script("return document.getElementById('pareto').layout")
    assert after["width"] > 680
    assert after["paper_bgcolor"] != "rgb(255, 255, 255)"
    assert count(browser, "details[open]") == 0
