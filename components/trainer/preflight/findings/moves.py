"""Instructions that give what they take, elsewhere or in another order."""

from typing import NamedTuple

from components.trainer.preflight.hlo.program import Instruction, Program
from components.trainer.preflight.hlo.shapes import Shape

_COPIES = {"copy", "transpose", "copy-start"}
_ONLY_MOVES = {"parameter", "copy", "transpose", "bitcast", "bitcast-convert", "reshape"}


class Move(NamedTuple):
    """Where an array is moved from and to."""

    source: Shape
    target: Shape


def find_move(program: Program, instruction: Instruction) -> Move | None:
    """Returns what an instruction moves, or None if it does anything else.

    A copy that is started counts there, and not where it is done. What the SparseCore of a v5p
    turns into another layout counts where it is done.
    """
    if instruction.opcode == "async-done":
        return _done_elsewhere(program, instruction)
    if instruction.opcode not in _COPIES and not _is_fused_copy(program, instruction):
        return None
    sources = program.operand_shapes(instruction)
    return Move(sources[0], instruction.shapes[0]) if sources else None


def _is_fused_copy(program: Program, instruction: Instruction) -> bool:
    if instruction.opcode != "fusion":
        return False
    inside = {each.opcode for each in program.inside(instruction)} - {"fusion"}
    return inside <= _ONLY_MOVES and bool(inside & _COPIES)


def _done_elsewhere(program: Program, instruction: Instruction) -> Move | None:
    """What is under way has the shapes of operands and results: one is the other turned over."""
    [target] = instruction.shapes[:1]
    for shape in program.operand_shapes(instruction):
        is_same = (shape.dtype, shape.num_elements) == (target.dtype, target.num_elements)
        if is_same and shape.is_in_hbm and shape.minor_to_major != target.minor_to_major:
            return Move(shape, target)
    return None
