"""The YAML file in which users describe their click log, split into the steps' settings.

    format: csv            # and header, columns, missing_values, time_column, as in `ClickLog`
    header: true
    label: click           # or {column: rating, positive_from: 4}
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
        values = yaml.safe_load(path.read_text())
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
        click_log["columns"] = [one for name in values["columns"] for one in _expand(str(name))]
    for role in ("dense", "categorical"):
        features = values.get(role) or {}
        if not isinstance(features, dict):
            raise ValueError(f"{path}: {role}: expected names with their fields, one a line")
        click_log[role] = []
        for names, fields in features.items():
            fields = fields or {}
            if not isinstance(fields, dict):
                raise ValueError(f"{path}: {role}.{names}: expected fields, received {fields!r}")
            treatment = {key: value for key, value in fields.items() if key != "type"}
            layout = {"type": fields["type"]} if "type" in fields else {}
            for name in _expand(str(names)):
                click_log[role].append({"name": name, **layout})
                if treatment:
                    columns[name] = treatment
    return SchemaFile(click_log, columns)


def _expand(names: str) -> list[str]:
    """Returns the names of a range such as `I1..I13`, or the one name.

    Raises:
      ValueError: if the range goes backwards.
    """
    match = _RANGE.fullmatch(names)
    if not match:
        return [names]
    first, last = int(match["first"]), int(match["last"])
    if first > last:
        raise ValueError(f"the range {names} is empty: expected the smaller number first")
    return [f"{match['prefix']}{number}" for number in range(first, last + 1)]
