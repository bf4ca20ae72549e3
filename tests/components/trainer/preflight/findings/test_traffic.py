from components.trainer.preflight.findings.traffic import collectives, matmul_flops, moved_bytes
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import REAL_BYTES, SCATTER, entry


def test_matmul_flops_are_two_for_each_product_of_numbers():
    program = parse_program(
        entry(
            "%a = f32[64,13]{1,0} parameter(0)",
            "%b = f32[13,32]{1,0} parameter(1)",
            "%c = f32[64,32]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
            "%d = f32[5,7,3]{2,1,0} parameter(2)",
            "%e = f32[5,7,7]{2,1,0} dot(%d, %d), lhs_batch_dims={0}, lhs_contracting_dims={2}, "
            "rhs_batch_dims={0}, rhs_contracting_dims={2}",
        )
    )
    assert matmul_flops(program) == 2 * 64 * 13 * 32 + 2 * 5 * 7 * 7 * 3


def test_moved_bytes_are_those_of_copies_and_results_in_hbm():
    # copy.1 reads and writes the table, so does copy.2; the loss is 4 bytes. The scatter works in
    # place; the broadcast may be part of what follows.
    assert moved_bytes(parse_program(SCATTER)) == 4 * REAL_BYTES + 4


def test_moved_bytes_leave_out_what_stays_on_the_chip():
    program = parse_program(
        entry(
            "%a = f32[8]{0:T(128)} parameter(0)",
            "%b = f32[8]{0:T(128)S(1)} negate(%a)",
            "%c = f32[8]{0:T(128)S(1)} copy(%b)",
            "%d = (f32[8]{0:T(128)S(1)}, f32[8]{0:T(128)}, u32[]) copy-start(%a)",
        )
    )
    assert moved_bytes(program) == 32  # the copy that is started reads 8 numbers


def test_moved_bytes_of_nothing_are_none():
    assert moved_bytes(parse_program("")) == 0


def test_collectives_are_counted_with_the_bytes_of_their_results():
    program = parse_program(
        entry(
            "%a = f32[16]{0} all-reduce(%x), replica_groups={{0,1,2,3}}",
            "%b = f32[16]{0} all-reduce(%a), replica_groups={{0,1,2,3}}",
            "%c = (f32[4]{0}, f32[64]{0}) all-gather-start(%x), dimensions={0}",
            "%d = f32[64]{0} all-gather-done(%c)",
        )
    )
    found = [(each.operation, each.count, each.bytes) for each in collectives(program)]
    assert found == [("all-gather", 1, 256), ("all-reduce", 2, 128)]
