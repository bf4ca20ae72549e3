"""The documents of this package for people: tables, times, paths relative to the root."""

import json
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.lineage.find import normalized

_WIDTH = 110
_NOTHING = "-"


def table(headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Returns aligned columns, two spaces apart; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(widths))
    ]
    lines = [list(headers), *cells]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def local_time(iso: str | None) -> str:
    """Returns an ISO time in the local time zone, to the second."""
    if iso is None:
        return _NOTHING
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def short_path(path: str, root: Path) -> str:
    """Returns a path relative to the root if it lies there."""
    return normalized(path).removeprefix(f"{normalized(str(root))}/")


def one_line(value: Any) -> str:
    """Returns a value as text: strings as they are, the rest as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def settings(config: dict[str, Any] | None) -> str:
    """Returns a nested configuration as `a=1, b.c=2`."""
    return ", ".join(f"{key}={one_line(value)}" for key, value in _flat(config or {}))


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key in sorted(config):
        value = config[key]
        is_nested = isinstance(value, dict) and bool(value)
        pairs += _flat(value, f"{prefix}{key}.") if is_nested else [(f"{prefix}{key}", value)]
    return pairs


def field(name: str, value: str, width: int = 16) -> str:
    """Returns one `name  value` line, wrapped under the value."""
    return textwrap.fill(
        value or _NOTHING,
        _WIDTH,
        initial_indent=name.ljust(width),
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )


def runs_text(document: dict[str, Any], root: Path) -> str:
    """Returns the table of `runs.runs_document`."""
    rows = []
    for run in document["runs"]:
        pushed = run["pushed_model"]
        destination = short_path(pushed["path"], root) if pushed else _NOTHING
        unfinished = [f"{item['node']} (not ended)" for item in run["unfinished"]]
        failed = [item["node"] for item in run["failed"]]
        rows.append(
            (
                run["id"],
                run["state"],
                f"{run['seconds']:,.1f} s",
                run["num_executed"],
                run["num_cached"],
                ", ".join(failed + unfinished) or _NOTHING,
                f"{destination} (cached)" if pushed and pushed["cached"] else destination,
            )
        )
    headers = ("run", "state", "took", "executed", "cached", "failed", "pushed model")
    if not rows:
        return "no run is recorded"
    known = [run for run in document["runs"] if run["command"]]
    commands = [(run["id"], commit_text(run), run["command"]) for run in known]
    parts = [table(headers, rows), table(("run", "commit", "command"), commands)]
    return "\n\n".join(parts if commands else parts[:1])


def commit_text(run: dict[str, Any]) -> str:
    """Returns the commit of `views.run_reference`, and whether files differed from it."""
    changes = ", with local changes" if run["has_local_changes"] else ""
    return f"{run['commit']}{changes}" if run["commit"] else _NOTHING


def artifacts_text(document: dict[str, Any], root: Path) -> str:
    """Returns the table of `views.artifacts_document`."""
    rows = [
        (
            artifact["id"],
            artifact["type"],
            _maker(artifact["producer"]),
            local_time(artifact["created"]),
            artifact["state"],
            short_path(artifact["uri"], root),
        )
        for artifact in document["artifacts"]
    ]
    headers = ("id", "type", "made by", "created", "state", "uri")
    return table(headers, rows) if rows else "no artifact matches"


def _maker(producer: dict[str, Any] | None) -> str:
    return f"{producer['node']}.{producer['key']}" if producer else _NOTHING


def show_artifact_text(document: dict[str, Any], root: Path) -> str:
    """Returns the text of `views.show_artifact_document`."""
    artifact, producer = document["artifact"], document["artifact"]["producer"]
    lines = [
        f"artifact {artifact['id']}: {artifact['type']}",
        field("uri", short_path(artifact["uri"], root)),
        field("state", artifact["state"]),
        field("created", local_time(artifact["created"])),
        field("made by", _maker(producer)),
    ]
    if producer:
        lines.append(field("execution", f"{producer['execution']} in run {producer['run']}"))
    lines += ["", "properties", *_property_lines(artifact["properties"]), "", "read by"]
    rows = [
        (use["execution"], use["node"], use["state"], use["run"]) for use in document["consumers"]
    ]
    uses = table(("execution", "node", "state", "run"), rows) if rows else "no step"
    return "\n".join([*lines, textwrap.indent(uses, "  ")])


def show_execution_text(document: dict[str, Any], root: Path) -> str:
    """Returns the text of `views.show_execution_document`."""
    execution = document["execution"]
    lines = [
        f"execution {execution['execution']}: {execution['node']}",
        field("component", execution["type"]),
        field("run", execution["run"]),
        field("state", execution["state"]),
        field("started", local_time(execution["started"])),
        field("finished", local_time(execution["finished"])),
        "",
        "properties",
        *_property_lines(execution["properties"]),
    ]
    for side in ("inputs", "outputs"):
        rows = [
            (link["key"], link["artifact"], link["type"], short_path(link["uri"], root))
            for link in execution[side]
        ]
        links = table(("key", "artifact", "type", "uri"), rows) if rows else "none"
        lines += ["", side, textwrap.indent(links, "  ")]
    return "\n".join(lines)


def _property_lines(properties: dict[str, Any]) -> list[str]:
    width = max([14, *map(len, properties)]) + 2
    lines = []
    for name, value in properties.items():
        shown = settings(value) if isinstance(value, dict) else one_line(value)
        lines.append(textwrap.indent(field(name, shown, width), "  "))
    return lines or ["  none"]
