"""How much a program surely computes and moves."""

import math
import re

from components.preflight_result import Collective
from components.trainer.preflight.findings.moves import find_move
from components.trainer.preflight.hlo.program import Instruction, Program

_CONTRACTING = re.compile(r"lhs_contracting_dims=\{([\d,]*)\}")
_COLLECTIVES = (
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "collective-permute",
    "collective-broadcast",
)
# In these a part of a buffer is overwritten where it is.
_IN_PLACE = {"scatter", "dynamic-update-slice", "custom-call"}
_NO_WORK = {
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "copy-done",
    "while",
    "conditional",
    "call",
    "after-all",
    "opt-barrier",
    "optimization-barrier",
    "iota",
    "broadcast",
    "custom-call",
}


def matmul_flops(program: Program) -> float:
    """Returns the multiplications and additions of all matrix products.

    Args:
      program: before the compiler's work. What is in a loop counts once.
    """
    total = 0.0
    for instruction in program.instructions:
        if instruction.opcode != "dot":
            continue
        contracting = _CONTRACTING.search(instruction.attributes)
        operands = program.operand_shapes(instruction)
        if contracting is None or not operands:
            continue
        dims = [int(index) for index in contracting.group(1).split(",") if index]
        length = math.prod(operands[0].dims[index] for index in dims)
        total += 2.0 * instruction.shapes[0].num_elements * length
    return total


def moved_bytes(program: Program) -> int:
    """Returns the bytes that surely go to or from the high bandwidth memory in a step.

    Counted are the results of the entry computation that lie there, without padding and without
    those that are written in place in part; and what copies read there. What other operations read,
    and what loops do, is not counted: it cannot be told from the text how much that is.

    Args:
      program: after the compiler's work.
    """
    body = program.computations.get(program.entry, {})
    total = 0
    for instruction in body.values():
        move = find_move(program, instruction)
        if move is not None:
            total += sum(shape.real_bytes for shape in move if shape.is_in_hbm)
        elif not _is_elsewhere(instruction, program):
            total += sum(shape.real_bytes for shape in instruction.shapes if shape.is_in_hbm)
    return total


def _is_elsewhere(instruction: Instruction, program: Program) -> bool:
    """Whether it writes nothing itself, or not all of its result."""
    if instruction.opcode in _NO_WORK or instruction.opcode.startswith("async"):
        return True
    return any(each.opcode in _IN_PLACE for each in program.inside(instruction))


def collectives(program: Program) -> list[Collective]:
    """Returns what devices send each other in a step, the largest first."""
    found: dict[str, list[Instruction]] = {}
    for instruction in program.instructions:
        operation = instruction.opcode.removesuffix("-start")
        if operation in _COLLECTIVES:
            found.setdefault(operation, []).append(instruction)
    result = [
        Collective(
            operation=operation,
            count=len(each),
            bytes=sum(_result_bytes(instruction) for instruction in each),
        )
        for operation, each in found.items()
    ]
    return sorted(result, key=lambda collective: -collective.bytes)


def _result_bytes(instruction: Instruction) -> int:
    """Of what is started, the first half are the operands."""
    shapes = instruction.shapes
    if instruction.opcode.endswith("-start") and len(shapes) > 1:
        shapes = shapes[1:2]
    return sum(shape.real_bytes for shape in shapes)
