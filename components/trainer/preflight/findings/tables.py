"""What a step does to whole tables: copies of them, and scatters into them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.preflight_result import Finding
from components.quantities import bytes_text, seconds_text, times_text
from components.trainer.preflight.findings.moves import find_move
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.hlo.program import Instruction, Program
from components.trainer.preflight.hlo.shapes import Shape

SMALLEST_TABLE_BYTES = 2**18
_COPY_CURE = (
    "a scatter wants whole rows in lines of 128 numbers: use a width that is a multiple of 128, or "
    "train the tables with sgd or adagrad, whose steps lay several rows side by side in a line"
)
_SCATTER_CURE = (
    "fewer lookups for each row of the batch, or the chip's own embedding path (TPUEmbedding): "
    "TensorFlow has no scatter that promises different rows"
)


def large_tables(program: Program, manifest: Mapping[str, Any]) -> list[Shape]:
    """Returns the shapes of the tables and their optimizer slots of 256 KiB and more.

    Args:
      program: after the compiler's work: where tables are spread, it has one device's part.
      manifest: of the exported step. A slot is a variable with as many rows as a table.
    """
    pairs = list(zip(program.parameters, manifest["arguments"], strict=False))
    tables = [p.shapes[0] for p, argument in pairs if argument["is_table"]]
    num_rows = {table.dims[0] for table in tables}
    variables = [p.shapes[0] for p, argument in pairs if argument["kind"] == "variable"]
    kept = [shape for shape in variables if shape.dims[:1] and shape.dims[0] in num_rows]
    return [shape for shape in kept if shape.real_bytes >= SMALLEST_TABLE_BYTES]


def table_copies(
    program: Program, tables: Iterable[Shape], places: Places, bytes_per_second: float
) -> list[Finding]:
    """Returns a finding for each shape of which whole tables are copied.

    Args:
      program: after the compiler's work.
      tables: see `large_tables`.
      places: where operations come from.
      bytes_per_second: the bandwidth.
    """
    sizes = {(table.dtype, table.num_elements) for table in tables}
    found: dict[str, list[tuple[Instruction, int]]] = {}
    users = _users(program)
    for instruction in program.scheduled:
        move = find_move(program, instruction)
        if move is None or (move.target.dtype, move.target.num_elements) not in sizes:
            continue
        target = move.target
        if not target.is_in_hbm and users.get(instruction.name, "") == "copy":
            continue  # On its way through the chip's memory: counted where it arrives.
        moved = target.padded_bytes + move.source.padded_bytes
        found.setdefault(str(target), []).append((instruction, moved))
    return [
        Finding(
            kind="table_copy",
            count=len(copies),
            bytes=(total := sum(moved for _, moved in copies)),
            cost=f"{shape} is copied whole {times_text(len(copies))} a step: {bytes_text(total)} "
            f"read and written, {seconds_text(total / bytes_per_second)} at full bandwidth",
            cure=_COPY_CURE,
            place=places.of(_cause_of(program, [each for each, _ in copies])),
        )
        for shape, copies in found.items()
    ]


def table_scatters(program: Program, tables: Iterable[Shape], places: Places) -> list[Finding]:
    """Returns a finding for each shape of tables that rows are scattered into."""
    sizes = {table.num_elements for table in tables}
    found: dict[str, list[tuple[Instruction, int]]] = {}
    for instruction in program.instructions:
        if instruction.opcode != "scatter" or instruction.shapes[0].num_elements not in sizes:
            continue
        updates = program.operand_shapes(instruction)[-1]
        num_rows = updates.num_elements // max(1, instruction.shapes[0].dims[-1])
        found.setdefault(str(instruction.shapes[0]), []).append((instruction, num_rows))
    return [
        Finding(
            kind="scatter",
            count=len(scatters),
            cost=f"{max(rows for _, rows in scatters):,} rows are scattered into {shape} "
            f"{times_text(len(scatters))}, {_order(each for each, _ in scatters)}; the matrix "
            "units wait meanwhile",
            cure=_SCATTER_CURE,
            place=places.of(scatters[0][0].op_name),
        )
        for shape, scatters in found.items()
    ]


def _order(scatters: Iterable[Instruction]) -> str:
    if all("unique_indices=true" in each.attributes for each in scatters):
        return "known to be different ones"
    return "and may be the same rows for all that the compiler knows"


def _users(program: Program) -> dict[str, str]:
    """What starts a copy -> the opcode of what uses the copy when it is done."""
    started = {i.name: i.operands[0] for i in program.scheduled if i.opcode == "copy-done"}
    return {
        started[operand]: instruction.opcode
        for instruction in program.scheduled
        for operand in instruction.operands
        if operand in started
    }


def _cause_of(program: Program, copies: Sequence[Instruction]) -> str:
    """The operation that a copy is made for: the one whose result or argument it is."""
    names = {each.name for each in copies}
    by_name = {each.name: each for each in program.scheduled}
    for instruction in program.scheduled:
        if instruction.op_name and names & set(instruction.operands):
            return instruction.op_name
    for each in copies:
        source = by_name.get(each.operands[0]) if each.operands else None
        if source is not None and source.op_name:
            return source.op_name
    return copies[0].op_name
