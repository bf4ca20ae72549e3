"""The tables of the page in a real browser."""

import pytest

from tests.components.evaluator.report.in_browser import (
    column_of,
    count,
    show,
)


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
