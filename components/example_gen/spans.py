"""The files that a pattern matches, and those of the newest spans.

A pattern may have `{SPAN}` or the date `{YYYY}`, `{MM}`, `{DD}` (a span is then a number of days
since 1970), and `{VERSION}` beside either. A width, `{SPAN:2}`, asks for that many digits.
"""

import datetime
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

import tensorflow as tf

from components.errors import InputError

# Stands for the newest span where none was found.
NO_SPAN = -1
_PLACEHOLDER = re.compile(r"\{(?P<name>SPAN|VERSION|YYYY|MM|DD)(?::(?P<width>[^}]*))?\}")
_DATE = {"YYYY": 4, "MM": 2, "DD": 2}
_FIRST_DAY = datetime.date(1970, 1, 1).toordinal()


class LogFile(NamedTuple):
    """A file of the log, its span and its version (0 and None where the pattern has none)."""

    path: str
    span: int
    version: int | None


def has_spans(pattern: str) -> bool:
    """Tells whether a pattern names spans.

    Raises:
      InputError: if its placeholders do not fit together.
    """
    names = [match["name"] for match in _PLACEHOLDER.finditer(pattern)]
    dates = [name for name in names if name in _DATE]
    problem = None
    if len(set(names)) != len(names):
        problem = "each placeholder may stand in it once"
    elif dates and (len(dates) != len(_DATE) or "SPAN" in names):
        problem = "a date is {YYYY}, {MM} and {DD} together, without {SPAN}"
    elif names == ["VERSION"]:
        problem = "{VERSION} needs {SPAN} or a date"
    for match in _PLACEHOLDER.finditer(pattern):
        width = match["width"]
        if width is not None and (match["name"] in _DATE or not re.fullmatch("[1-9][0-9]?", width)):
            problem = f"{match[0]}: {{SPAN}} and {{VERSION}} may have a width from 1 to 99"
    if problem:
        raise InputError(f"file pattern {pattern}: {problem}")
    return bool(names)


def span_name(pattern: str, span: int) -> str:
    """Returns the name of a span: its date (ISO 8601) if the pattern has dates, else its number."""
    is_date = any(match["name"] in _DATE for match in _PLACEHOLDER.finditer(pattern))
    return datetime.date.fromordinal(span + _FIRST_DAY).isoformat() if is_date else str(span)


def find_files(
    folder: str, pattern: str, window_spans: int = 1, newest_span: int | None = None
) -> list[LogFile]:
    """Finds the files to read, in the order in which they are read.

    Files are ordered by span, then by name, with numbers in names by their value (`day_2` before
    `day_10`). Of a span only the newest version counts, and spans need not follow on each other.

    Args:
      folder: the part of the pattern without wildcards.
      pattern: the rest: wildcards, and placeholders as above.
      window_spans: how many of the newest spans to take.
      newest_span: spans above it are left out; None takes all.

    Raises:
      InputError: if no file matches, there are fewer spans, or the pattern is not valid.
    """
    full = os.path.join(folder, pattern)
    if not has_spans(pattern):
        files = [LogFile(path, 0, None) for path in tf.io.gfile.glob(full)]
    else:
        files = _window(_files_of_spans(folder, pattern), full, window_spans, newest_span)
    if not files:
        raise InputError(f"no file matches {full}")
    return sorted(files, key=lambda file: (file.span, _name_order(file.path)))


def _window(
    files: list[LogFile], pattern: str, window_spans: int, newest_span: int | None
) -> list[LogFile]:
    spans = sorted({f.span for f in files if newest_span is None or f.span <= newest_span})
    if spans and len(spans) < window_spans:
        found = ", ".join(map(str, spans))
        raise InputError(
            f"{pattern} has {len(spans)} of the {window_spans} spans that window_spans asks for "
            f"(found: {found}): set window_spans to at most {len(spans)} or add files"
        )
    newest = {
        span: max((f.version for f in files if f.span == span and f.version is not None), default=0)
        for span in spans[-window_spans:]
    }
    return [f for f in files if f.span in newest and f.version in (None, newest[f.span])]


def _files_of_spans(folder: str, pattern: str) -> list[LogFile]:
    """Returns the files with digits where the pattern has placeholders."""
    expression = re.compile(re.escape(os.path.join(folder, "")) + _expression(pattern))
    matches = (
        (path, expression.fullmatch(path))
        for path in tf.io.gfile.glob(os.path.join(folder, _PLACEHOLDER.sub("*", pattern)))
    )
    return list(_log_files((path, match.groupdict()) for path, match in matches if match))


def _log_files(found: Iterable[tuple[str, dict[str, str]]]) -> Iterable[LogFile]:
    for path, values in found:
        version = int(values["VERSION"]) if "VERSION" in values else None
        if "SPAN" in values:
            yield LogFile(path, int(values["SPAN"]), version)
            continue
        try:
            day = datetime.date(*(int(values[name]) for name in _DATE))
        except ValueError as error:
            raise InputError(f"{path}: the date in its name does not exist: {error}") from error
        yield LogFile(path, day.toordinal() - _FIRST_DAY, version)


def _expression(pattern: str) -> str:
    """Returns the regular expression of a pattern, a group for each placeholder."""
    parts, position = [], 0
    for match in _PLACEHOLDER.finditer(pattern):
        parts.append(_wildcards(pattern[position : match.start()]))
        width = match["width"] or _DATE.get(match["name"])
        parts.append(f"(?P<{match['name']}>[0-9]{f'{{{width}}}' if width else '+'})")
        position = match.end()
    return "".join((*parts, _wildcards(pattern[position:])))


def _wildcards(text: str) -> str:
    # A star takes as little as it can: digits beside it belong to the placeholder.
    parts = re.split(r"(\*|\?|\[!?[^\]]+\])", text)
    known = {"*": "[^/]*?", "?": "[^/]"}
    return "".join(
        known[part] if part in known else _character_class(part) if odd else re.escape(part)
        for odd, part in ((index % 2, part) for index, part in enumerate(parts))
    )


def _character_class(text: str) -> str:
    negation = "^" if text[1] == "!" else ""
    members = text[1 + len(negation) : -1].replace("\\", "\\\\").replace("^", "\\^")
    return f"[{negation}{members}]"


def _name_order(path: str) -> tuple[list[str | int], str]:
    parts = re.split("([0-9]+)", path)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], path
