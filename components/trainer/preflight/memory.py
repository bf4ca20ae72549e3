"""The bytes of a compiled program, and which variables it needs twice."""

import re
from collections.abc import Mapping
from typing import Any

from components.preflight_result import Memory
from components.trainer.preflight.chips import Chip
from components.trainer.preflight.findings.tables import SMALLEST_TABLE_BYTES
from components.trainer.preflight.hlo.program import Program

_NEEDED = re.compile(r"\(([\d.]+)([KMGT]?)\) exceeds available HBM")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_ALIASES = re.compile(r"input_output_alias=\{(.*?)\}, entry_computation_layout")
_ALIASED_PARAMETER = re.compile(r":\s*\((\d+),")


def step_memory(
    memory: Mapping[str, int], text: str, program: Program, manifest: Mapping[str, Any], chip: Chip
) -> Memory:
    """Returns what a step takes.

    Args:
      memory: the compiler's bytes by name.
      text: the program's after the compiler's work.
      program: the same, parsed.
      manifest: of the exported step.
      chip: where it runs.
    """
    return Memory(
        **memory,
        total_bytes=total_bytes(memory),
        available_bytes=chip.hbm_bytes,
        not_aliased=tuple(_not_aliased(text, program, manifest)),
    )


def total_bytes(memory: Mapping[str, int]) -> int:
    """Returns all bytes of a program; those of outputs that replace arguments count once."""
    kept = memory["arguments_bytes"] + memory["outputs_bytes"] - memory["aliased_bytes"]
    return kept + memory["temporaries_bytes"] + memory["code_bytes"]


def needed_bytes(message: str) -> int | None:
    """Returns what a program would need that does not fit, or None if the compiler does not say.

    Args:
      message: such as "the total memory required ... (23.44G) exceeds available HBM (15.75G)".
    """
    found = _NEEDED.search(message)
    return int(float(found.group(1)) * _UNITS[found.group(2)]) if found else None


def _not_aliased(text: str, program: Program, manifest: Mapping[str, Any]) -> list[str]:
    """The names of the large variables that are given anew in other memory."""
    header = text.partition("\n")[0]
    aliases = _ALIASES.search(header)
    aliased = {int(n) for n in _ALIASED_PARAMETER.findall(aliases.group(1) if aliases else "")}
    given = {output["name"] for output in manifest["outputs"]}
    arguments = zip(program.parameters, manifest["arguments"], strict=False)
    return [
        argument["name"]
        for index, (parameter, argument) in enumerate(arguments)
        if argument["name"] in given
        and index not in aliased
        and parameter.shapes[0].real_bytes >= SMALLEST_TABLE_BYTES
    ]
