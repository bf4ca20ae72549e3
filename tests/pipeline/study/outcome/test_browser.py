"""The page of a study in a real browser."""

import re

import pytest
from axe_core_python.selenium import Axe

from pipeline.study.outcome.style import css_names
from tests.browser import contrast, open_page


def test_page_opens_without_an_error(browser, small):
    open_page(browser, small / "index.html", 1440, "light")
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.querySelectorAll('.panel svg').length") > 10


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility_check_finds_nothing(browser, small, theme):
    open_page(browser, small / "index.html", 1440, theme)
    result = Axe().run(browser, {"exclude": [[".panel svg"]]}, {"resultTypes": ["violations"]})
    assert len(result["passes"]) > 15
    assert [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in result["violations"]
    ] == []


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_overflows_the_page(browser, small, width):
    open_page(browser, small / "index.html", width, "light")
    beyond = browser.execute_script(
        "document.querySelectorAll('details').forEach(e => { e.open = true; });"
        "return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') "
        "&& e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_writing_in_figures_can_be_read_on_a_phone(browser, small):
    open_page(browser, small / "index.html", 390, "light")
    heights = browser.execute_script(
        "return [...document.querySelectorAll('section > figure .panel svg text')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"
        ".filter(size => size > 0)"
    )
    assert len(heights) > 50
    assert min(heights) >= 10


def test_button_changes_the_theme_of_page_and_figures(browser, small):
    colors = (
        "const e = document.querySelector('.panel svg text');"
        "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(e).fill]"
    )
    open_page(browser, small / "index.html", 1440, "light")
    before = browser.execute_script(colors)
    browser.find_element("id", "theme").click()
    after = browser.execute_script(colors)
    assert before == ["rgb(255, 255, 255)", "rgb(27, 36, 48)"]
    assert after == ["rgb(18, 23, 29)", "rgb(232, 237, 242)"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_the_figures_stand_out(browser, small, theme):
    open_page(browser, small / "index.html", 1440, theme)
    names = [n for n in css_names().values() if re.match("--(hue|step|ink|muted)", n)]
    page, *colors = browser.execute_script(
        "const probe = document.body.appendChild(document.createElement('span'));"
        "return ['--page', ...arguments[0]].map(name => { probe.style.color = `var(${name})`;"
        "return getComputedStyle(probe).color.match(/\\d+/g).map(Number); })",
        names,
    )
    ratios = {n: contrast(page, color) for n, color in zip(names, colors, strict=True)}
    assert min(ratios.values()) >= 3, ratios


def test_paper_is_light_and_shows_the_figures(browser, small):
    open_page(browser, small / "index.html", 1440, "dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.execute_script(
        "return [getComputedStyle(document.querySelector('.panel svg text')).fill,"
        "getComputedStyle(document.querySelector('.bar')).display]"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == ["rgb(27, 36, 48)", "none"]
