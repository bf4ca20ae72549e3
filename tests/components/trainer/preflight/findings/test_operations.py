import pytest

from components.trainer.preflight.findings.operations import slow_operations
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import PLACES, entry


def _found(*lines):
    return slow_operations(parse_program(entry(*lines)), PLACES)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("%a = f64[8]{0} convert(%b)", "float64"),
        ("%a = s64[8]{0} remainder(%b, %c)", "int64_division"),
        ("%a = u64[8]{0} divide(%b, %c)", "int64_division"),
        ("%a = f32[<=8]{0} slice(%b)", "dynamic_shape"),
        ("%a = s32[8]{0} set-dimension-size(%b, %c), dimensions={0}", "dynamic_shape"),
        ("%a = (f32[8], token[]) infeed(%b)", "host_transfer"),
        ("%a = token[] outfeed(%b, %c)", "host_transfer"),
        ("%a = (f32[], u32[], token[]) send(%b), is_host_transfer=true", "host_transfer"),
        (
            '%a = f32[8]{0} custom-call(%b), custom_call_target="xla_python_cpu_callback"',
            "host_transfer",
        ),
    ],
)
def test_slow_operation_is_found(line, kind):
    [finding] = _found(line)
    assert (finding.kind, finding.count) == (kind, 1)


def test_ordinary_operations_are_not_found():
    assert (
        _found(
            "%a = f32[8]{0} parameter(0)",
            "%b = s64[8]{0} convert(%a)",
            "%d = s64[] remainder(%b, %b)",
            "%e = s32[8]{0} remainder(%b, %b)",
            '%c = f32[8]{0} custom-call(%a), custom_call_target="Sharding"',
        )
        == []
    )


def test_float64_constants_and_parameters_alone_are_no_work():
    assert _found("%a = f64[] constant(0)", "%b = f64[8]{0} parameter(0)") == []


def test_finding_names_the_first_operation_with_a_known_line():
    [finding] = _found(
        '%a = f64[8]{0} convert(%b), metadata={op_name="unknown/Cast"}',
        '%c = f64[8]{0} add(%a, %a), metadata={op_name="update/Scatter"}',
    )
    assert finding.count == 2
    assert finding.place.operation == "update/Scatter"
    assert finding.place.file == "components/trainer/tables.py:10"
