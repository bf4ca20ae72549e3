"""What differs between two nested records, field by field."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.compare.result import Change

_NUMBER = re.compile(r"([0-9]+)")


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns dotted name -> value, in name order: `{"a": {"b": 1}}` -> `{"a.b": 1}`.

    A list of records that have names, such as the columns of a log, counts as a record by name.
    Empty records and all other lists are values.

    Args:
      record: nested dictionaries, as JSON gives them.
      prefix: what all names start with.
    """
    flat: dict[str, Any] = {}
    for key in sorted(record):
        name = f"{prefix}.{key}" if prefix else key
        value = _by_name(record[key])
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, name)
        else:
            flat[name] = value
    return flat


def _by_name(value: Any) -> Any:
    """A list of `{"name": "C1", "type": "text"}` as `{"C1": {"type": "text"}}`."""
    is_list = isinstance(value, (list, tuple)) and bool(value)
    if not is_list or not all(isinstance(item, Mapping) and "name" in item for item in value):
        return value
    return {item["name"]: {k: v for k, v in item.items() if k != "name"} for item in value}


def find_changes(of_a: Mapping[str, Any], of_b: Mapping[str, Any]) -> tuple[Change, ...]:
    """Returns the fields whose values differ, in name order, with `C2` before `C10`.

    A field that one record lacks counts as null there: so does an option that code of an earlier
    day did not know.

    Args:
      of_a: name -> value of the one.
      of_b: name -> value of the other.
    """
    return tuple(
        Change(field=name, a=of_a.get(name), b=of_b.get(name))
        for name in sorted(of_a.keys() | of_b.keys(), key=_natural)
        if of_a.get(name) != of_b.get(name)
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers in names count by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(name)]
