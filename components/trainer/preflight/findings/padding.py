"""Memory that is lost because minor dimensions are filled up to whole tiles."""

from components.preflight_result import Finding
from components.quantities import bytes_text, significant, times_text
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.hlo.program import Instruction, Program

_SMALLEST_WASTE_BYTES = 2**20
_SMALLEST_RATIO = 2.0
_MOST_FINDINGS = 3
# What gives a name to a buffer of something else.
_NO_BUFFER = {"tuple", "get-tuple-element", "bitcast", "copy-done", "async-done", "async-update"}
_CURE = (
    "make the last dimension a multiple of 128, or lay several short rows side by side; in memory "
    "the last two dimensions come in tiles of 8 x 128"
)


def padding_waste(program: Program, places: Places) -> list[Finding]:
    """Returns a finding for each of the shapes that lose most memory, in rows of a tile.

    Args:
      program: after the compiler's work: shapes have layouts.
      places: where operations come from.
    """
    found: dict[str, list[Instruction]] = {}
    for instruction in program.scheduled:
        if instruction.opcode in _NO_BUFFER or len(instruction.shapes) != 1:
            continue
        [shape] = instruction.shapes
        waste = shape.padded_bytes - shape.real_bytes
        if not shape.is_in_hbm or waste < _SMALLEST_WASTE_BYTES:
            continue
        if shape.padded_bytes >= _SMALLEST_RATIO * shape.real_bytes:
            found.setdefault(str(shape), []).append(instruction)
    findings = [_finding(buffers, places) for buffers in found.values()]
    return sorted(findings, key=lambda finding: -finding.bytes)[:_MOST_FINDINGS]


def _finding(buffers: list[Instruction], places: Places) -> Finding:
    shape = max((each.shapes[0] for each in buffers), key=lambda shape: shape.padded_bytes)
    ratio = significant(shape.padded_bytes / shape.real_bytes)
    named = next((each.op_name for each in buffers if each.op_name), "")
    return Finding(
        kind="padding",
        count=len(buffers),
        bytes=shape.padded_bytes - shape.real_bytes,
        cost=f"{shape} takes {bytes_text(shape.padded_bytes)} for {bytes_text(shape.real_bytes)} "
        f"of numbers, {ratio} times as much; {times_text(len(buffers))} in the step",
        cure=_CURE,
        place=places.of(named),
    )
