"""What a preflight found, as text for a terminal."""

from collections.abc import Iterable

from components.preflight_result import Cell, Finding, PreflightResult
from components.quantities import bytes_text, seconds_text, times_text

_GAP = 2
_HEADS = ("HBM", "largest batch", "lower bound")
_OUTCOMES = {
    "compiles": "compiles",
    "does_not_export": "does not export",
    "does_not_compile": "does not compile",
    "does_not_fit": "does not fit",
    "compiler_died": "the compiler died",
}
_FINDINGS = {
    "table_copy": "copies of whole tables",
    "scatter": "scatters into tables",
    "padding": "padding",
    "float64": "float64",
    "int64_division": "divisions of 64-bit integers",
    "dynamic_shape": "dynamic shapes",
    "host_transfer": "transfers to or from the host",
}


def outcome_text(cell: Cell) -> str:
    """Returns `compiles`, `does not fit` and so on."""
    return _OUTCOMES[cell.outcome]


def result_text(result: PreflightResult) -> str:
    """Returns the table variants x chips, what is wrong, and what is slow."""
    cells = result.cells
    lines = [*_table(result), "", *_causes(cells), *_memory(cells), *_slow(cells), *_sent(cells)]
    return "\n".join(lines).rstrip()


def _table(result: PreflightResult) -> list[str]:
    """One line a variant, three columns a chip; what does not compile has a word in the first."""
    cells = {(cell.variant, cell.chip): cell for cell in result.cells}
    names = list(dict.fromkeys(cell.variant for cell in result.cells))
    name_width = max(len("variant"), *(len(name) for name in names))
    blocks = [["".ljust(name_width), "variant".ljust(name_width), "-" * name_width]]
    blocks[0] += [name.ljust(name_width) for name in names]
    for chip, facts in result.chips.items():
        columns = [_columns(cells[name, chip]) for name in names]
        widths = [max(map(len, each)) for each in zip(_HEADS, *columns, strict=True)]
        total = sum(widths) + _GAP * (len(widths) - 1)
        head = f"{chip} ({bytes_text(facts.hbm_bytes)})"
        block = [head.ljust(total), _joined(_HEADS, widths), "-" * total]
        block += [_joined(each, widths) for each in columns]
        blocks.append(block)
    return ["   ".join(lines).rstrip() for lines in zip(*blocks, strict=True)]


def _columns(cell: Cell) -> tuple[str, str, str]:
    bound = "" if cell.work is None else seconds_text(cell.work.lower_bound_seconds)
    size = outcome_text(cell) if cell.memory is None else bytes_text(cell.memory.total_bytes)
    largest = "" if cell.largest_batch is None else cell.largest_batch.text
    return size, largest, bound


def _joined(cells: Iterable[str], widths: Iterable[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return (" " * _GAP).join(cell.rjust(width) for cell, width in pairs)


def _causes(cells: Iterable[Cell]) -> list[str]:
    """Each cause once, with the variants and chips that it stands for."""
    found: dict[tuple[str, ...], list[str]] = {}
    for cell in cells:
        if cell.cause is None:
            continue
        place = cell.cause.place
        where = ", ".join(text for text in (place.operation, place.layer, place.file) if text)
        key = (outcome_text(cell), where, cell.cause.message, cell.cause.cure)
        found.setdefault(key, []).append(f"{cell.variant} on {cell.chip}")
    lines = []
    for (outcome, where, message, cure), who in found.items():
        lines.append(f"{', '.join(who)}: {outcome}{f' ({where})' if where else ''}")
        lines += [f"    {line}" for line in message.splitlines()]
        lines += [f"    usual cure: {cure}", ""]
    return lines


def _memory(cells: Iterable[Cell]) -> list[str]:
    """Variables that are in memory twice."""
    return [
        f"kept twice: {', '.join(cell.memory.not_aliased)} of {cell.variant} on {cell.chip}: the "
        "new values do not take the place of the old ones"
        for cell in cells
        if cell.memory is not None and cell.memory.not_aliased
    ]


def _sent(cells: Iterable[Cell]) -> list[str]:
    """What devices send each other."""
    return [
        f"between devices: {each.operation} {times_text(each.count)} a step in {cell.variant} on "
        f"{cell.chip}, {bytes_text(each.bytes)}"
        for cell in cells
        for each in cell.collectives
    ]


def _slow(cells: Iterable[Cell]) -> list[str]:
    """Of each kind of finding the most expensive one, and how many variants have it."""
    found: dict[str, list[tuple[Cell, Finding]]] = {}
    for cell in cells:
        for finding in cell.findings:
            found.setdefault(finding.kind, []).append((cell, finding))
    lines = []
    for kind, each in found.items():
        variants = len({cell.variant for cell, _ in each})
        cell, worst = max(each, key=lambda pair: (pair[1].bytes, pair[1].count))
        place = ", ".join(text for text in (worst.place.layer, worst.place.file) if text)
        lines += [
            f"slow: {_FINDINGS[kind]}, in {variants} variant{'s' if variants > 1 else ''}",
            f"    most in {cell.variant} on {cell.chip}: {worst.cost}",
            *([f"    made by {place}"] if place else []),
            f"    cure: {worst.cure}",
        ]
    return lines
