"""The look that all pages of this project share."""

from pathlib import Path


def page_style() -> str:
    """Returns the style sheet: light and dark, phones, paper."""
    return Path(__file__).with_name("assets").joinpath("page.css").read_text(encoding="utf-8")
