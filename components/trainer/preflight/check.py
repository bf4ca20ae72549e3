"""A variant on every chip: exported once for each batch size, compiled, looked at."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from components.preflight_result import Cell
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.exported_step import ExportedStep, ExportError
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compile_process import Compilation
from components.trainer.preflight.diagnosis import cause_of_export_error, diagnose
from components.trainer.preflight.findings.operations import slow_operations
from components.trainer.preflight.findings.padding import padding_waste
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.findings.tables import large_tables, table_copies, table_scatters
from components.trainer.preflight.findings.traffic import collectives
from components.trainer.preflight.hlo.program import parse_program
from components.trainer.preflight.largest_batch import Tried, find_largest_batch
from components.trainer.preflight.memory import needed_bytes, step_memory, total_bytes
from components.trainer.preflight.work import step_work

# Takes a variant and a batch size.
Export = Callable[[TrainerConfig, int], ExportedStep]
# Takes an exported step, a chip's name, and whether the program's text is to be kept.
Compile = Callable[[ExportedStep, str, bool], Compilation]


def check_variant(
    config: TrainerConfig,
    chips: Sequence[str],
    batch_size: int,
    largest_tried: int,
    export: Export,
    compile_step: Compile,
    num_processes: int = 1,
) -> list[Cell]:
    """Returns what came of a variant, for each chip.

    Args:
      config: the variant.
      chips: names of `chips.CHIPS`.
      batch_size: rows a step, over all devices.
      largest_tried: no larger batch is tried in the search for the largest one; 0: none is made.
      export: makes programs.
      compile_step: compiles them.
      num_processes: so many chips are compiled for at the same time.
    """
    steps = _Steps(config, export)
    try:
        steps.of(batch_size)
    except ExportError as error:
        cause = cause_of_export_error(error)
        return [
            Cell(
                variant=config.variant,
                chip=chip,
                batch_size=batch_size,
                outcome="does_not_export",
                cause=cause,
            )
            for chip in chips
        ]

    def check(chip: str) -> Cell:
        return _check_chip(steps, chip, batch_size, largest_tried, compile_step)

    with ThreadPoolExecutor(num_processes) as threads:
        return list(threads.map(check, chips))


class _Steps:
    """The exported steps of a variant, each made once, by one thread at a time."""

    def __init__(self, config: TrainerConfig, export: Export) -> None:
        self.variant = config.variant
        self._config = config
        self._export = export
        self._made: dict[int, ExportedStep] = {}
        self._lock = Lock()

    def of(self, rows: int) -> ExportedStep:
        with self._lock:
            if rows not in self._made:
                report(f"exporting {rows:,} rows")
                self._made[rows] = self._export(self._config, rows)
            return self._made[rows]


def _check_chip(
    steps: _Steps, chip: str, batch_size: int, largest_tried: int, compile_step: Compile
) -> Cell:
    def compile_rows(rows: int, keep_text: bool = False) -> Compilation:
        step = steps.of(rows)
        report(f"{chip}: compiling {rows:,} rows")
        return compile_step(step, chip, keep_text)

    compilation = compile_rows(batch_size, keep_text=True)
    cell = _cell(steps.variant, chip, batch_size, steps.of(batch_size), compilation)
    started = _tried(compilation)
    if not largest_tried or started is None or cell.outcome == "does_not_compile":
        return cell
    largest = find_largest_batch(
        lambda rows: _tried(compile_rows(rows)),
        batch_size,
        started,
        CHIPS[chip].hbm_bytes,
        largest_tried,
        steps.of(batch_size).manifest["num_chips"],
    )
    return cell.model_copy(update={"largest_batch": largest})


def _tried(compilation: Compilation) -> Tried | None:
    if compilation.status == "died":
        return None
    if compilation.status == "compiled":
        return Tried(True, total_bytes(compilation.memory))
    return Tried(False, needed_bytes(compilation.message))


def _cell(
    variant: str, chip: str, batch_size: int, step: ExportedStep, compilation: Compilation
) -> Cell:
    """What a compile of a step says."""
    before, after = parse_program(compilation.before), parse_program(compilation.after)
    places, facts = Places(step.manifest), CHIPS[chip]
    if compilation.status != "compiled":
        diagnosis = diagnose(compilation.message, before, places)
        died = compilation.status == "died"
        return Cell(
            variant=variant,
            chip=chip,
            batch_size=batch_size,
            outcome="compiler_died" if died else diagnosis.outcome,
            compile_seconds=compilation.seconds,
            cause=diagnosis.cause,
            findings=tuple(slow_operations(before, places)),
        )
    tables = large_tables(after, step.manifest)
    findings = [
        *table_copies(after, tables, places, facts.hbm_bytes_per_second),
        *slow_operations(before, places),
        *table_scatters(after, tables, places),
        *padding_waste(after, places),
    ]
    return Cell(
        variant=variant,
        chip=chip,
        batch_size=batch_size,
        outcome="compiles",
        compile_seconds=compilation.seconds,
        memory=step_memory(compilation.memory, compilation.after, after, step.manifest, facts),
        work=step_work(compilation.cost, before, after, facts),
        findings=tuple(findings),
        collectives=tuple(collectives(after)),
    )
