import pytest

from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.hlo.program import parse_program
from components.trainer.preflight.memory import needed_bytes, step_memory
from tests.components.trainer.preflight.findings.programs import MANIFEST, SCATTER

BYTES = {
    "arguments_bytes": 100,
    "outputs_bytes": 80,
    "aliased_bytes": 70,
    "temporaries_bytes": 1000,
    "code_bytes": 5,
}


def _memory(text):
    return step_memory(BYTES, text, parse_program(text), MANIFEST, CHIPS["v3"])


def test_aliased_bytes_count_once():
    memory = _memory(SCATTER)
    assert memory.total_bytes == 100 + 80 - 70 + 1000 + 5
    assert memory.available_bytes == int(15.48 * 2**30)


def test_variable_that_takes_the_place_of_the_old_one_is_aliased():
    assert _memory(SCATTER).not_aliased == ()


def test_variable_that_is_kept_twice_is_named():
    text = SCATTER.replace("input_output_alias={ {1}: (1, {}, may-alias) }, ", "")
    assert _memory(text).not_aliased == ("stack",)


@pytest.mark.parametrize(
    ("size", "needed"), [("23.44G", int(23.44 * 2**30)), ("512K", 2**19), ("1.5T", 3 * 2**39)]
)
def test_needed_bytes_are_read_from_the_refusal(size, needed):
    message = (
        f"the total memory required for HLO temporaries ({size}) exceeds available HBM (15.75G)"
    )
    assert needed_bytes(message) == needed


def test_needed_bytes_of_another_refusal_are_not_known():
    assert needed_bytes("INVALID_ARGUMENT: no") is None
