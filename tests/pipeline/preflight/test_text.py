from components.preflight_result import (
    Cause,
    Cell,
    ChipFacts,
    Collective,
    Finding,
    LargestBatch,
    Memory,
    Model,
    Place,
    PreflightResult,
    Work,
)
from pipeline.preflight.text import result_text

MEMORY = Memory(
    arguments_bytes=1,
    outputs_bytes=1,
    aliased_bytes=1,
    temporaries_bytes=1,
    code_bytes=1,
    total_bytes=1_840_000,
    available_bytes=2,
)
WORK = Work(
    flops=1.0,
    bytes_accessed=1.0,
    matmul_flops=1.0,
    moved_bytes=1,
    lower_bound_seconds=0.00125,
    bound_by="bytes",
)
FACTS = ChipFacts(
    device="a chip", hbm_bytes=16_900_000_000, peak_flops=1, hbm_bytes_per_second=1, source="[x]"
)
PLACE = Place(operation="update/Scatter", layer="tables", file="tables.py:10")


def _text(*cells):
    return result_text(
        PreflightResult(
            created="2026-01-01T00:00:00+00:00",
            versions={},
            num_chips=1,
            model=Model(source="", vocabulary_sizes={"C1": 1}, dense_width=1, embedding_dim=1),
            chips={cell.chip: FACTS for cell in cells},
            cells=cells,
        )
    )


def _cell(variant="full", chip="v5e", fits=131_072, does_not_fit=None, estimate=None, **fields):
    largest = LargestBatch(fits=fits, does_not_fit=does_not_fit, estimate=estimate, num_compiles=1)
    values = {"outcome": "compiles", "memory": MEMORY, "work": WORK, "largest_batch": largest}
    return Cell(variant=variant, chip=chip, batch_size=2048, **{**values, **fields})


def test_table_has_a_line_a_variant_and_columns_a_chip():
    text = _text(
        _cell(),
        _cell(chip="v3", fits=4096, does_not_fit=4608),
    )
    heads, columns, rule, row = text.splitlines()
    assert heads.split() == ["v5e", "(16.9", "GB)", "v3", "(16.9", "GB)"]
    assert row.split("   ")[0] == "full"
    assert row.replace(" ", "") == "full1.84MB131,072+1.25ms1.84MB4,0961.25ms"
    assert len(columns) == len(rule) == len(row)


def test_variant_that_does_not_compile_says_where_and_what_helps():
    cause = Cause(place=PLACE, message="first\nsecond", cure="do that")
    broken = _cell(
        "hashing",
        outcome="does_not_compile",
        memory=None,
        work=None,
        largest_batch=None,
        cause=cause,
    )
    text = _text(_cell(), broken)
    assert "hashing on v5e: does not compile (update/Scatter, tables, tables.py:10)" in text
    assert "    first\n    second\n    usual cure: do that" in text


def test_same_cause_of_several_chips_is_said_once():
    fields = {"outcome": "does_not_fit", "memory": None, "work": None}
    cause = Cause(message="too large", cure="less")
    text = _text(_cell(cause=cause, **fields), _cell(chip="v3", cause=cause, **fields))
    assert text.count("too large") == 1
    assert "full on v5e, full on v3: does not fit" in text


def test_batch_that_never_fits_is_none():
    text = _text(_cell(fits=None, does_not_fit=8, outcome="does_not_fit", memory=None, work=None))
    assert text.splitlines()[3].split() == ["full", "does", "not", "fit", "none"]


def test_estimate_beyond_the_largest_tried_batch_has_two_digits():
    assert "16,384+ (~230,000)" in _text(_cell(fits=16_384, estimate=234_560))


def test_slow_things_are_said_once_with_the_worst_of_them():
    def finding(size, cost):
        return Finding(kind="table_copy", count=1, bytes=size, cost=cost, cure="widen", place=PLACE)

    text = _text(
        _cell("a", findings=(finding(5, "little"),)), _cell("b", findings=(finding(9, "much"),))
    )
    assert "slow: copies of whole tables, in 2 variants" in text
    assert "most in b on v5e: much" in text
    assert "little" not in text
    assert "made by tables, tables.py:10" in text
    assert text.endswith("cure: widen")


def test_variable_that_is_kept_twice_is_named():
    text = _text(_cell(memory=MEMORY.model_copy(update={"not_aliased": ("stack",)})))
    assert "kept twice: stack of full on v5e" in text


def test_collectives_are_listed_with_their_bytes():
    sent = Collective(operation="all-reduce", count=2, bytes=4096)
    text = _text(_cell(collectives=(sent,)))
    assert "between devices: all-reduce twice a step in full on v5e, 4.10 kB" in text
