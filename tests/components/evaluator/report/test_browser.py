"""The page in a real browser."""

import pytest
from axe_core_python.selenium import Axe

from tests.browser import contrast
from tests.components.evaluator.report.in_browser import (
    PLOTS,
    count,
    show,
    wait_until_drawn,
)


@pytest.mark.parametrize("name", ["ten", "none", "many", "odd", "metric", "tiny"])
def test_page_opens_without_an_error(browser, pages, name):
    show(browser, pages / f"{name}.html")
    assert browser.get_log("browser") == []


def test_every_plot_has_a_text_alternative(ten):
    texts = ten.execute_script(
        "return [...document.querySelectorAll('.plot')].map(plot => plot.getAttribute("
        "'aria-labelledby').split(' ').map(id => document.getElementById(id).innerText).join(' '))"
    )
    assert len(texts) == len(PLOTS)
    assert all(len(text) > 40 for text in texts), texts


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
