"""The YAML file in which users describe their click log, split into the steps' settings.

    format: csv            # and header, columns, missing_values, time_column, as in `ClickLog`
    header: true
    label: click           # or {column: rating, positive_from: 4}
    weight: importance     # if the rows have weights
    dense:
      I1..I13: {type: integer, scale: log1p}
    categorical:
      C1..C26: {frequency_threshold: 4}
      device_ip: {method: hash, num_hash_buckets: 100000}

A name may be a range. Of a feature's fields, `type` belongs to the layout of the log and the rest
is its treatment (`components.transform.config`).
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from schemas.click_log import ClickLog

_FOLDER = Path(__file__).parent
_RANGE = re.compile(r"(?P<prefix>\w*?)(?P<first>\d+)\.\.(?P=prefix)(?P<last>\d+)")
_MAX_RANGE = 10_000


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, which YAML drops, and one that is no text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        known = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise yaml.YAMLError(f"line {line}: it reads a name as {key!r}: quote it")
            if key in known:
                raise yaml.YAMLError(f"line {line}: {key!r} is there twice")
            known.add(key)
        return super().construct_mapping(node, deep)


class SchemaFile(NamedTuple):
    """What the file says.

    Attributes:
      click_log: the values of a `ClickLog`.
      columns: feature -> its treatment, where it has one of its own.
    """

    click_log: dict[str, Any]
    columns: dict[str, dict[str, Any]]


def known_schemas() -> tuple[str, ...]:
    """Returns the names of the schema files that come with the code."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def read_schema_file(schema: str) -> SchemaFile:
    """Reads a schema file.

    Args:
      schema: a name of `known_schemas`, or the path of a YAML file.

    Raises:
      ValueError: if there is no such file or it is not of the form above.
    """
    path = _FOLDER / f"{schema}.yaml" if schema in known_schemas() else Path(schema)
    if not path.is_file():
        raise ValueError(
            f"schema {schema!r}: expected one of {', '.join(known_schemas())} or a YAML file"
        )
    try:
        values = yaml.load(path.read_text(), _StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected fields such as label, dense and categorical")
    return _split(values, str(path))


def load_click_log(schema: str) -> ClickLog:
    """Returns the layout alone, for example of `"criteo"`.

    Raises:
      ValueError: as `read_schema_file`, or if a value is not allowed.
    """
    return ClickLog.model_validate(read_schema_file(schema).click_log)


def _split(values: dict[str, Any], path: str) -> SchemaFile:
    click_log = dict(values)
    columns: dict[str, dict[str, Any]] = {}
    if isinstance(values.get("label"), str):
        click_log["label"] = {"column": values["label"]}
    if isinstance(values.get("columns"), list):
        for name in values["columns"]:
            if not isinstance(name, str):
                raise ValueError(f"{path}: columns: YAML reads a name as {name!r}: quote it")
        click_log["columns"] = [one for name in values["columns"] for one in _expand(name)]
    for role in ("dense", "categorical"):
        features = values.get(role) or {}
        if not isinstance(features, dict):
            raise ValueError(f"{path}: {role}: expected names with their fields, one a line")
        click_log[role] = []
        for names, fields in features.items():
            fields = {} if fields is None else fields
            if not isinstance(fields, dict):
                raise ValueError(f"{path}: {role}.{names}: expected fields, received {fields!r}")
            treatment = {key: value for key, value in fields.items() if key != "type"}
            layout = {"type": fields["type"]} if "type" in fields else {}
            for name in _expand(names):
                click_log[role].append({"name": name, **layout})
                if treatment:
                    columns[name] = dict(treatment)
    return SchemaFile(click_log, columns)


def _expand(names: str) -> list[str]:
    """Returns the names of a range such as `I1..I13`, or the one name.

    Raises:
      ValueError: if the range goes backwards or is too long.
    """
    match = _RANGE.fullmatch(names)
    if not match:
        return [names]
    first, last = int(match["first"]), int(match["last"])
    if not first <= last < first + _MAX_RANGE:
        raise ValueError(
            f"the range {names}: expected the smaller number first and at most {_MAX_RANGE:,} names"
        )
    width = len(match["first"]) if match["first"].startswith("0") else 0
    return [f"{match['prefix']}{number:0{width}d}" for number in range(first, last + 1)]
