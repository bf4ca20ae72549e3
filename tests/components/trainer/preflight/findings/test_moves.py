import pytest

from components.trainer.preflight.findings.moves import find_move
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import entry

A = "%a = f32[64,16]{0,1:T(8,128)} parameter(0)"


def _move(*lines):
    program = parse_program(entry(A, *lines))
    body = program.computations["main"]
    return find_move(program, list(body.values())[-1])


@pytest.mark.parametrize(
    "line",
    [
        "%b = f32[64,16]{1,0:T(8,128)} copy(%a)",
        "%b = f32[16,64]{1,0:T(8,128)} transpose(%a), dimensions={1,0}",
        "%b = (f32[64,16]{0,1:T(8,128)S(1)}, f32[64,16]{0,1:T(8,128)}, u32[]) copy-start(%a)",
    ],
)
def test_copy_is_a_move_from_its_operand(line):
    move = _move(line)
    assert move.source.minor_to_major == (0, 1)
    assert move.target.num_elements == 64 * 16


def test_other_layout_made_by_the_sparse_core_is_a_move():
    move = _move(
        "%u = ((s32[5]{0}, f32[64,16]{0,1:T(8,128)}), f32[64,16]{1,0:T(8,128)}, s32[]) "
        "async-update(%s, %a)",
        "%b = f32[64,16]{1,0:T(8,128)} async-done(%u)",
    )
    assert (move.source.minor_to_major, move.target.minor_to_major) == ((0, 1), (1, 0))


@pytest.mark.parametrize(
    "lines",
    [
        ["%b = f32[64,16]{1,0:T(8,128)} negate(%a)"],
        ["%b = f32[64,16]{0,1:T(8,128)S(1)} copy-done(%a)"],
        [
            "%u = ((f32[64,16]{0,1:T(8,128)}, s32[7]), f32[7,16]{1,0}, s32[]) async-update(%s)",
            "%b = f32[7,16]{1,0:T(8,128)} async-done(%u)",
        ],
    ],
)
def test_other_work_is_no_move(lines):
    assert _move(*lines) is None
