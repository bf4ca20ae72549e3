"""The trace of an artifact for people: a summary, then the lineage as an indented list."""

import textwrap
from pathlib import Path
from typing import Any

from pipeline.lineage.text import (
    commit_text,
    field,
    local_time,
    one_line,
    settings,
    short_path,
    table,
)


def trace_text(document: dict[str, Any], root: Path) -> str:
    """Returns the text of `trace.trace_document`."""
    return "\n".join(
        [
            *_summary_lines(document, root),
            "",
            "steps",
            textwrap.indent(_steps_table(document["summary"]["steps"]), "  "),
            "",
            "configuration",
            *_configuration_lines(document["summary"]),
            "",
            "lineage",
            *_tree_lines(document, root),
        ]
    )


def _summary_lines(document: dict[str, Any], root: Path) -> list[str]:
    subject, summary = document["subject"], document["summary"]
    lines = [
        f"{subject['type']} {subject['id']}",
        field("uri", short_path(subject["uri"], root)),
        field("created", local_time(subject["created"])),
    ]
    if summary["pushed_to"]:
        lines.append(field("pushed to", short_path(summary["pushed_to"], root)))
    lines += _variant_lines(summary)
    for data in summary["data"]:
        lines += _data_lines(data)
    for schema in summary["schema"]:
        lines.append(field("schema", f"{short_path(schema['uri'], root)}, from {_step(schema)}"))
    if summary["preprocessing"]:
        step = summary["preprocessing"]
        lines.append(field("preprocessing", _step(step)))
    lines.append(field("TFX version", ", ".join(summary["tfx_versions"])))
    lines.append(field("runs", ", ".join(run["id"] for run in summary["runs"])))
    for run in summary["runs"]:
        if run["command"]:
            lines.append(field("command", f"{run['command']} (run {run['id']})"))
            lines.append(field("commit", commit_text(run)))
    return lines


def _variant_lines(summary: dict[str, Any]) -> list[str]:
    trainer, compared = summary["trainer"], ", ".join(summary["compared_variants"])
    if not trainer:
        return [field("variants", compared)] if compared else []
    is_compared = len(summary["compared_variants"]) > 1
    return [
        field("variant", summary["variant"] + (f" (of {compared})" if is_compared else "")),
        field("trainer", _step(trainer)),
        field("seed", one_line(summary["seed"])),
    ]


def _step(step: dict[str, Any]) -> str:
    return f"{step['node']}, code version {step['code_version'] or 'not recorded'}"


def _data_lines(data: dict[str, Any]) -> list[str]:
    patterns = ", ".join(filter(None, data["patterns"]))
    lines = [field("data", f"{patterns} in {data['input_base']}")]
    lines += [
        field("", f"{file['path']}, {file['num_lines']:,} lines") for file in data["files"] or ()
    ]
    if data["fingerprint"]:
        lines.append(field("fingerprint", one_line(data["fingerprint"])))
    return lines


def _steps_table(steps: list[dict[str, Any]]) -> str:
    rows = [
        (
            step["node"],
            step["execution"],
            step["code_version"] or "stock TFX",
            local_time(step["finished"]),
            step["run"],
        )
        for step in steps
    ]
    return table(("step", "execution", "code version", "finished", "run"), rows)


def _configuration_lines(summary: dict[str, Any]) -> list[str]:
    """Returns the configuration of every step that has one, of the trainers only the chosen."""
    trainer = summary["trainer"]
    others = {
        f"Trainer_{name}" for name in summary["compared_variants"] if name != summary["variant"]
    }
    lines = [
        textwrap.indent(field(f"{step['node']}  ", settings(step["config"]), 22), "  ")
        for step in summary["steps"]
        if step["config"] and not (trainer and step["node"] in others)
    ]
    return lines or ["  none"]


def _tree_lines(document: dict[str, Any], root: Path) -> list[str]:
    lineage = document["lineage"]
    artifacts = {artifact["id"]: artifact for artifact in lineage["artifacts"]}
    executions = {execution["execution"]: execution for execution in lineage["executions"]}
    shown: set[int] = set()
    lines: list[str] = []

    def add(artifact_id: int, key: str, depth: int) -> None:
        artifact = artifacts[artifact_id]
        producer = artifact["producer"]
        variant = artifact["properties"].get("variant")
        name = f"{artifact['type']} {artifact_id}" + (f" ({variant})" if variant else "")
        place = short_path(artifact["uri"], root)
        indent = "  " * depth
        if producer and producer["execution"] in shown:
            lines.append(f"{indent}{key}{name}  {place}, from {producer['node']} above")
            return
        lines.append(f"{indent}{key}{name}  {place}")
        if not producer:
            return
        shown.add(producer["execution"])
        execution = executions[producer["execution"]]
        lines.append(
            f"{indent}  made by {producer['node']}, execution {producer['execution']}, "
            f"run {producer['run']}"
        )
        for link in execution["inputs"]:
            add(link["artifact"], f"{link['key']}: ", depth + 2)

    add(document["subject"]["id"], "", 1)
    return lines
