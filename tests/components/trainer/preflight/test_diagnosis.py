import pytest

from components.trainer.preflight.diagnosis import diagnose, shortened
from components.trainer.preflight.hlo.program import parse_program
from tests.components.trainer.preflight.findings.programs import PLACES, entry

BEFORE = parse_program(
    entry(
        '%sort.7 = f32[8]{0} sort(%a), metadata={op_name="step/update/Scatter"}', "%b = f32[] x(%a)"
    )
)


def test_too_large_program_does_not_fit():
    message = (
        "RESOURCE_EXHAUSTED: E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory "
        "required for HLO temporaries (23.44G) exceeds available HBM (15.75G)."
    )
    diagnosis = diagnose(message, BEFORE, PLACES)
    assert diagnosis.outcome == "does_not_fit"
    assert "smaller batch" in diagnosis.cause.cure


def test_instruction_of_the_message_leads_to_layer_and_line():
    diagnosis = diagnose("INTERNAL: cannot lower %sort.7 = f32[8] sort(...)", BEFORE, PLACES)
    assert diagnosis.outcome == "does_not_compile"
    place = diagnosis.cause.place
    assert place.operation == "step/update/Scatter"
    assert (place.layer, place.file) == ("tables", "components/trainer/tables.py:10")


def test_operation_named_by_the_compiler_wins():
    message = 'bad %b, metadata={op_name="update/Scatter"}'
    assert diagnose(message, BEFORE, PLACES).cause.place.operation == "update/Scatter"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("UNIMPLEMENTED: bounded dynamic dimension in %b", "a fixed size"),
        ("no registered EagerPyFunc", "py_function"),
        ("X64 element type f64 is not supported", "float32"),
        ("failed to legalize operation 'mhlo.foo'", "other operations"),
        ("Ran out of memory in memory space vmem", "on the chip"),
        ("something new", "see the message"),
    ],
)
def test_usual_cure_depends_on_the_message(message, words):
    diagnosis = diagnose(message, BEFORE, PLACES)
    assert diagnosis.outcome == "does_not_compile"
    assert words in diagnosis.cause.cure


def test_unknown_operation_has_an_empty_place():
    assert diagnose("INTERNAL: no idea", parse_program(""), PLACES).cause.place.operation == ""


def test_message_is_shortened_to_its_first_lines():
    assert shortened("\n".join(["a", "", *"bcdefgh"])) == "a\nb\nc\nd\ne\nf"
