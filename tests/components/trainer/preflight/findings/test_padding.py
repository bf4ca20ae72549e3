from components.trainer.preflight.findings.padding import padding_waste
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import (
    PLACES,
    REAL_BYTES,
    ROWS_BYTES,
    SCATTER,
    entry,
)


def test_padding_of_short_rows_is_found_with_its_bytes():
    [finding] = padding_waste(parse_program(SCATTER), PLACES)
    assert finding.count == 2  # copy.1 and what is scattered into it
    assert finding.bytes == ROWS_BYTES - REAL_BYTES
    assert "f32[100000,16] takes 51.2 MB for 6.40 MB of numbers, 8.00 times as much" in finding.cost


def test_rows_that_fill_their_tiles_waste_nothing():
    program = parse_program(entry("%a = f32[100000,128]{1,0:T(8,128)} parameter(0)"))
    assert padding_waste(program, PLACES) == []


def test_padding_on_the_chip_is_passed_over():
    program = parse_program(entry("%a = f32[100000,16]{1,0:T(8,128)S(1)} negate(%b)"))
    assert padding_waste(program, PLACES) == []


def test_most_wasteful_shapes_come_first_and_few_of_them():
    rows = (10_000, 40_000, 20_000, 30_000)
    lines = [f"%a{n} = f32[{n},16]{{1,0:T(8,128)}} parameter(0)" for n in rows]
    found = padding_waste(parse_program(entry(*lines)), PLACES)
    assert [finding.cost.split()[0] for finding in found] == [
        "f32[40000,16]",
        "f32[30000,16]",
        "f32[20000,16]",
    ]
