import pytest

from components.trainer.preflight.findings.tables import large_tables, table_copies, table_scatters
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import (
    COLUMNS_BYTES,
    MANIFEST,
    PLACES,
    ROWS_BYTES,
    SCATTER,
    entry,
)

PROGRAM = parse_program(SCATTER)
TABLES = large_tables(PROGRAM, MANIFEST)


def test_large_tables_are_the_tables_and_their_slots():
    lines = ("f32[100000,16]", "f32[100000]", "f32[415,256]", "s64[]", "s32[100000]")
    program = parse_program(
        entry(*(f"%p{n} = {shape} parameter({n})" for n, shape in enumerate(lines)))
    )
    kinds = ("variable", "variable", "variable", "variable", "input")
    arguments = [{"kind": kind, "is_table": n == 0} for n, kind in enumerate(kinds)]
    found = large_tables(program, {"arguments": arguments})
    assert [str(table) for table in found] == ["f32[100000,16]", "f32[100000]"]


def test_small_variables_are_no_large_tables():
    program = parse_program(SCATTER.replace("100000", "1000"))
    assert large_tables(program, MANIFEST) == []


def test_copies_of_a_table_are_found_with_their_padded_bytes():
    [finding] = table_copies(PROGRAM, TABLES, PLACES, 1e12)
    assert finding.count == 2
    assert finding.bytes == 2 * (ROWS_BYTES + COLUMNS_BYTES)
    assert "f32[100000,16] is copied whole twice a step: 115 MB" in finding.cost
    assert "115 us" in finding.cost


def test_copies_are_put_down_to_the_operation_that_wants_them():
    [finding] = table_copies(PROGRAM, TABLES, PLACES, 1e12)
    assert finding.place.operation == "step/update/Scatter"
    assert finding.place.layer == "tables"
    assert finding.place.file == "components/trainer/tables.py:10"


def test_copy_on_its_way_through_the_chip_counts_once():
    before = "  %copy.1 = f32[100000,16]{1,0:T(8,128)} copy(%stack), "
    started = (
        "  %start = (f32[100000,16]{0,1:T(8,128)S(1)}, f32[100000,16]{0,1:T(8,128)}, u32[]) "
        "copy-start(%stack)\n"
        "  %done = f32[100000,16]{0,1:T(8,128)S(1)} copy-done(%start)\n"
    )
    assert before in SCATTER
    text = SCATTER.replace(before, started + before.replace("%stack", "%done"))
    [finding] = table_copies(parse_program(text), TABLES, PLACES, 1e12)
    assert finding.count == 2


def test_fused_copy_of_a_table_is_found():
    fused = (
        "%moved (p: f32[100000,16]) -> f32[100000,16] {\n"
        "  %p = f32[100000,16]{0,1:T(8,128)} parameter(0)\n"
        "  ROOT %c = f32[100000,16]{1,0:T(8,128)} copy(%p)\n}\n\nENTRY"
    )
    text = SCATTER.replace("ENTRY", fused).replace(
        "copy(%stack)", "fusion(%stack), kind=kLoop, calls=%moved"
    )
    [finding] = table_copies(parse_program(text), TABLES, PLACES, 1e12)
    assert finding.count == 2


def test_copies_of_what_is_no_table_are_passed_over():
    assert table_copies(PROGRAM, [], PLACES, 1e12) == []


def test_scatter_into_a_table_is_found_inside_a_fusion():
    [finding] = table_scatters(PROGRAM, TABLES, PLACES)
    assert finding.count == 1
    assert "64 rows are scattered into f32[100000,16] once" in finding.cost
    assert finding.place.layer == "tables"


@pytest.mark.parametrize(
    ("attribute", "words"),
    [("", "may be the same rows"), ("unique_indices=true, ", "known to be different")],
)
def test_scatter_says_whether_rows_may_come_twice(attribute, words):
    text = SCATTER.replace("update_window_dims", f"{attribute}update_window_dims")
    [finding] = table_scatters(parse_program(text), TABLES, PLACES)
    assert words in finding.cost
