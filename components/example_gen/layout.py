"""How the lines of one file are made up: its columns, its delimiter and what can be seen at once.

Files of one log may have their columns in different orders, if each has a header.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from components.example_gen.values import (
    HEXADECIMAL_BYTES,
    LABEL_KINDS,
    MAX_HEXADECIMAL_DIGITS,
    REQUIRED_KINDS,
    Kind,
)
from schemas.click_log import ClickLog

# Some valid values of each kind: most of those that logs have.
_NUMBER = b"[0-9]{1,16}(?:[.][0-9]{1,30})?(?:e-[0-9]{1,2})?"
_PATTERNS: dict[Kind, bytes] = {
    "label": b"[01]",
    "rating": _NUMBER,
    "weight": b"(?=[0-9.]*[1-9])[0-9]{1,16}(?:[.][0-9]{1,30})?",
    "time": b"[0-9]{1,16}",
    "integer": b"-?[0-9]{1,18}",
    "float": b"-?" + _NUMBER,
    "hexadecimal": b"[0-9a-fA-F]{1,%d}" % MAX_HEXADECIMAL_DIGITS,
}


@dataclass(frozen=True)
class LineLayout:
    """The layout of a file's lines.

    Attributes:
      click_log: the log.
      columns: all columns of a line, in their order.
    """

    click_log: ClickLog
    columns: tuple[str, ...]

    @staticmethod
    def of(click_log: ClickLog, header: Sequence[str] | None = None) -> "LineLayout":
        """Makes the layout of a file with this header, or of one without."""
        return LineLayout(click_log, tuple(click_log.text_columns if header is None else header))

    @cached_property
    def delimiter(self) -> bytes:
        """The byte between two fields."""
        return self.click_log.delimiter.encode()

    @cached_property
    def has_quotes(self) -> bool:
        """Whether a field may stand in quotes."""
        return self.click_log.format == "csv"

    @cached_property
    def missing(self) -> frozenset[bytes]:
        """The values that stand for a missing one."""
        return frozenset(value.encode() for value in self.click_log.missing_values)

    @cached_property
    def kinds(self) -> list[tuple[str, Kind]]:
        """The used columns and what they are read as; see `column_kinds`."""
        return column_kinds(self.click_log)

    @cached_property
    def used_columns(self) -> tuple[str, ...]:
        """The label, the weight, the features and the time column, each once."""
        return used_columns(self.click_log)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Used column -> its place in a line."""
        return {name: self.columns.index(name) for name in self.used_columns}

    @cached_property
    def valid_bytes(self) -> bytes | None:
        """All bytes of valid lines, where these are so few that hardly a bad line has no other.

        None for logs with text, fractions or unused columns.
        """
        kinds = {kind for _, kind in self.kinds}
        is_narrow = kinds <= {"label", "integer", "hexadecimal", "time"}
        is_narrow &= set(self.columns) == set(self.used_columns)
        allowed = HEXADECIMAL_BYTES + b"-\n" + self.delimiter + b'"' * self.has_quotes
        if not is_narrow or b"".join(self.missing).translate(None, allowed):
            return None
        return allowed

    @cached_property
    def surely_valid(self) -> re.Pattern[bytes]:
        """Matches most valid lines of ASCII, and no other ones."""
        patterns = [self._pattern(name) for name in self.columns]
        if self.has_quotes:
            patterns = [b'(?:%s|"%s")' % (pattern, pattern) for pattern in patterns]
        return re.compile(re.escape(self.delimiter).join(patterns))

    def _pattern(self, name: str) -> bytes:
        # The time column may be a feature too: its digits are then valid as either.
        kind = dict(self.kinds).get(name)
        special = self.delimiter + b'"' * self.has_quotes
        if kind is None:
            return b"[^\r\n%s]*" % special
        if kind in LABEL_KINDS:
            return _PATTERNS[kind]
        if kind in REQUIRED_KINDS:
            missing = b"|".join(map(re.escape, self.missing))
            end = rb"(?:[%s]|\Z)" % special
            is_there = b"(?!(?:%s)%s)" % (missing, end) if self.missing else b""
            return is_there + _PATTERNS[kind]
        pattern = b"[^\x00-\x1f\x7f%s]+" % special if kind == "text" else _PATTERNS[kind]
        return b"(?:%s)%s" % (pattern, b"?" * (b"" in self.missing))


def used_columns(click_log: ClickLog) -> tuple[str, ...]:
    """Returns the names of label, weight, features and time column, each once."""
    return tuple(dict.fromkeys(name for name, _ in column_kinds(click_log)))


def column_kinds(click_log: ClickLog) -> list[tuple[str, Kind]]:
    """Returns the used columns and what they are read as, in the order of raw rows.

    The time column comes last; it may be a feature too and is then there twice.
    """
    label: Kind = "label" if click_log.label.positive_from is None else "rating"
    kinds: list[tuple[str, Kind]] = [(click_log.label.column, label)]
    kinds += [(click_log.weight, "weight")] if click_log.weight else []
    kinds += [(column.name, column.type) for column in click_log.dense]
    kinds += [(column.name, column.type) for column in click_log.categorical]
    return [*kinds, (click_log.time_column, "time")] if click_log.time_column else kinds
