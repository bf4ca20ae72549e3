"""What the tests in a browser do with a page."""

from tests.browser import open_page

PLOTS = (
    "pareto",
    "slice-bands",
    "slice-others",
    "convergence",
    "calibration",
    "latency",
    "tables",
)


def show(browser, path, width=1440, theme="light"):
    """Opens a page at this width, for someone who prefers this theme."""
    open_page(browser, path, width, theme)
    wait_until_drawn(browser)


def wait_until_drawn(browser):
    browser.execute_async_script(
        "const wait = done => 'drawn' in document.documentElement.dataset ? done()"
        " : setTimeout(wait, 10, done); wait(arguments[0])"
    )


def count(browser, selector: str) -> int:
    return browser.execute_script("return document.querySelectorAll(arguments[0]).length", selector)


def column_of(browser, number: int) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll('#variants tbody tr')]"
        ".map(row => row.cells[arguments[0]].dataset.order)",
        number,
    )


def ticks(browser, plot: str, axis: str) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(tick => tick.textContent)",
        f"#{plot} .{axis}tick",
    )
