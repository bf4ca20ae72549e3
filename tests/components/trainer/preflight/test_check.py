from components.trainer.config import TrainerConfig
from components.trainer.exported_step import ExportedStep, ExportError
from components.trainer.preflight.check import check_variant
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compile_process import Compilation
from components.trainer.preflight.memory import total_bytes
from components.trainer.program.lowering import LoweringError
from components.trainer.program.op_places import OpPlace
from tests.components.trainer.preflight.findings.programs import MANIFEST, SCATTER

CONFIG = TrainerConfig(variant="hashing")


def _memory(rows):
    return {
        "arguments_bytes": 10,
        "outputs_bytes": 10,
        "aliased_bytes": 10,
        "temporaries_bytes": 10**9 + rows * 10**6,
        "code_bytes": 0,
    }


class _Steps:
    """Exports programs that say how many rows they have, and compiles them as told."""

    def __init__(self, refusal="", died=False):
        self.refusal, self.died = refusal, died
        self.exported, self.compiled = [], []

    def export(self, config, rows):
        self.exported.append(rows)
        return ExportedStep(str(rows).encode(), MANIFEST)

    def compile(self, step, chip, keep_text):
        rows = int(step.program)
        self.compiled.append((chip, rows))
        if self.died:
            return Compilation("died", "ended with -11")
        texts = {"before": SCATTER, "after": SCATTER} if keep_text else {}
        needed = total_bytes(_memory(rows))
        if self.refusal or needed > CHIPS[chip].hbm_bytes:
            too_large = f"Ran out of memory on HBM: ({needed / 2**30:.2f}G) exceeds available HBM"
            return Compilation("refused", self.refusal or too_large, 2.0, **texts)
        return Compilation("compiled", "", 2.0, _memory(rows), {"flops": 1.0}, **texts)

    def check(self, chips=("v5e",), batch_size=2048, largest=0, num_processes=1):
        limits = chips, batch_size, largest
        return check_variant(CONFIG, *limits, self.export, self.compile, num_processes)


def test_variant_is_exported_once_for_all_chips():
    steps = _Steps()
    cells = steps.check(("v5e", "v3"))
    assert steps.exported == [2048]
    assert [(cell.variant, cell.chip, cell.outcome) for cell in cells] == [
        ("hashing", "v5e", "compiles"),
        ("hashing", "v3", "compiles"),
    ]


def test_compiled_step_has_memory_work_and_findings():
    [cell] = _Steps().check()
    assert cell.memory.total_bytes == 10 + 10**9 + 2048 * 10**6
    assert cell.memory.not_aliased == ()
    assert cell.work.moved_bytes > 0
    assert [finding.kind for finding in cell.findings] == ["table_copy", "scatter", "padding"]
    assert cell.compile_seconds == 2.0


def test_search_for_the_largest_batch_exports_each_size_once():
    steps = _Steps()
    on_v5e, on_v5p = steps.check(("v5e", "v5p"), largest=2**15)
    # A row needs 1 MB, and 1 GB is needed anyway.
    assert on_v5e.largest_batch.fits <= 15_911 < on_v5e.largest_batch.does_not_fit
    assert (on_v5p.largest_batch.fits, on_v5p.largest_batch.does_not_fit) == (2**15, None)
    assert len(steps.exported) == len(set(steps.exported))
    assert len(steps.compiled) == len(set(steps.compiled))


def test_chips_at_the_same_time_give_what_they_give_one_by_one():
    chips = ("v2", "v3", "v5e", "v5p")
    steps = _Steps()
    assert steps.check(chips, largest=2**15, num_processes=4) == _Steps().check(
        chips, largest=2**15
    )
    assert len(steps.exported) == len(set(steps.exported))


def test_no_search_is_made_where_none_is_asked_for():
    steps = _Steps()
    [cell] = steps.check(largest=0)
    assert cell.largest_batch is None
    assert steps.compiled == [("v5e", 2048)]


def test_too_large_step_does_not_fit_and_a_smaller_one_is_looked_for():
    [cell] = _Steps().check(batch_size=20_000, largest=2**17)
    assert cell.outcome == "does_not_fit"
    assert cell.memory is None
    assert 8192 <= cell.largest_batch.fits <= 15_911


def test_refused_step_has_a_cause_and_no_search():
    steps = _Steps(refusal="failed to legalize %scatter.1")
    [cell] = steps.check(largest=2**17)
    assert cell.outcome == "does_not_compile"
    assert cell.cause.place.layer == "tables"
    assert steps.compiled == [("v5e", 2048)]


def test_death_of_the_compiler_is_told_apart_from_a_refusal():
    [cell] = _Steps(died=True).check()
    assert cell.outcome == "compiler_died"
    assert "ended with -11" in cell.cause.message


def test_step_that_is_not_exported_is_told_for_every_chip():
    place = OpPlace("loss", "loss.py:3")

    def export(config, rows):
        error = LoweringError("no kernel", "loss/PyFunc", place, "take it out")
        raise ExportError(config.variant, error) from error

    cells = check_variant(CONFIG, ["v5e", "v3"], 2048, 0, export, _Steps().compile)
    assert [cell.outcome for cell in cells] == ["does_not_export"] * 2
    cause = cells[0].cause
    assert (cause.place.operation, cause.place.layer, cause.place.file) == (
        "loss/PyFunc",
        "loss",
        "loss.py:3",
    )
    assert (cause.message, cause.cure) == ("no kernel", "take it out")
