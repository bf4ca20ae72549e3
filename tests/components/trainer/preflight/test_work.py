import math

import pytest

from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.hlo.program import parse_program
from components.trainer.preflight.work import step_work
from tests.components.trainer.preflight.findings.programs import entry

BEFORE = parse_program(
    entry(
        "%a = f32[1000,1000]{1,0} parameter(0)",
        "%b = f32[1000,1000]{1,0} dot(%a, %a), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
    )
)
AFTER = parse_program(entry("%b = f32[1000,1000]{1,0} add(%a, %a)"))
FLOPS, MOVED = 2e9, 4_000_000


def _work(flops=3e9, bytes_accessed=5e6, chip="v5e"):
    cost = {"flops": flops, "bytes_accessed": bytes_accessed}
    return step_work(cost, BEFORE, AFTER, CHIPS[chip])


def test_sane_figures_are_kept():
    work = _work()
    assert (work.flops, work.bytes_accessed, work.left_out) == (3e9, 5e6, ())


@pytest.mark.parametrize(
    ("flops", "word"),
    [
        (-1.0, "flops: the compiler says -1"),
        (math.nan, "flops: the compiler says nan"),
        (math.inf, "flops: the compiler says inf"),
        (1e9, "flops: the compiler says 1e+09, matrix products alone are"),
    ],
)
def test_senseless_flops_are_left_out_with_a_word(flops, word):
    work = _work(flops=flops)
    assert work.flops is None
    [said] = work.left_out
    assert said.startswith(word)


def test_fewer_bytes_than_are_surely_moved_are_left_out():
    work = _work(bytes_accessed=MOVED - 1)
    assert work.bytes_accessed is None
    assert "copies and results alone are 4e+06" in work.left_out[0]


def test_missing_figure_is_left_out_with_a_word():
    work = step_work({"flops": 3e9}, BEFORE, AFTER, CHIPS["v5e"])
    assert work.left_out == ("bytes_accessed: the compiler gives none",)


def test_bound_is_the_slower_of_arithmetic_and_memory():
    work = _work()
    chip = CHIPS["v5e"]
    assert FLOPS / chip.peak_flops > MOVED / chip.hbm_bytes_per_second
    assert work.bound_by == "flops"
    assert work.lower_bound_seconds == pytest.approx(2e9 / 197e12)
    nothing = parse_program("")
    of_memory = step_work({}, nothing, AFTER, chip)
    assert of_memory.bound_by == "bytes"
    assert of_memory.lower_bound_seconds == pytest.approx(4e6 / (800 * 2**30))
