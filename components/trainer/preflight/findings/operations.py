"""Operations that TPUs are bad at, whatever their size."""

from collections.abc import Callable

from components.preflight_result import Finding
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.hlo.program import Instruction, Program

_HOST_OPCODES = {"infeed", "outfeed", "send", "recv"}
_HOST_WORDS = ("callback", "is_host_transfer=true", 'custom_call_target="Host')


def slow_operations(program: Program, places: Places) -> list[Finding]:
    """Returns a finding for each kind of operation that is known to be slow, and is there.

    Args:
      program: before the compiler's work, which replaces most of them.
      places: where operations come from.
    """
    found = [
        _finding(
            program,
            places,
            _is_float64,
            "float64",
            "operations in float64, which TPUs lack: {count}; each is made of many in float32",
            "cast to float32 before; a Python float or a NumPy array without a dtype is often the "
            "cause",
        ),
        _finding(
            program,
            places,
            _is_wide_division,
            "int64_division",
            "divisions of 64-bit integers: {count}; TPUs have 32 bits, so each is made of about "
            "1,800 operations, and takes the compiler two seconds",
            "divide int32 where the numbers fit, or have the host find the rows beforehand",
        ),
        _finding(
            program,
            places,
            _is_dynamic,
            "dynamic_shape",
            "operations whose size is known only in the step: {count}; each is done for the "
            "largest possible size, with masks",
            "give the result a fixed size: the batch's number of rows in place of the number of "
            "different ids",
        ),
        _finding(
            program,
            places,
            _is_host_transfer,
            "host_transfer",
            "transfers to or from the host: {count}; the chip waits for them in every step",
            "take tf.print, py_function, summaries and checks out of the step",
        ),
    ]
    return [finding for finding in found if finding is not None]


def _finding(
    program: Program,
    places: Places,
    applies: Callable[[Instruction], bool],
    kind: str,
    cost: str,
    cure: str,
) -> Finding | None:
    hits = [each for each in program.instructions if applies(each)]
    if not hits:
        return None
    first = next((each.op_name for each in hits if places.of(each.op_name).file), "")
    named = first or next((each.op_name for each in hits if each.op_name), "")
    return Finding.model_validate(
        {
            "kind": kind,
            "count": len(hits),
            "cost": cost.format(count=len(hits)),
            "cure": cure,
            "place": places.of(named),
        }
    )


def _is_float64(instruction: Instruction) -> bool:
    is_work = instruction.opcode not in ("parameter", "constant", "get-tuple-element", "tuple")
    return is_work and any(shape.dtype == "f64" for shape in instruction.shapes)


def _is_wide_division(instruction: Instruction) -> bool:
    is_division = instruction.opcode in ("remainder", "divide")
    wide = (shape for shape in instruction.shapes if shape.dtype in ("s64", "u64"))
    return is_division and any(shape.dims for shape in wide)


def _is_dynamic(instruction: Instruction) -> bool:
    if instruction.opcode in ("parameter", "get-tuple-element", "tuple"):
        return False
    return instruction.opcode == "set-dimension-size" or any(
        shape.is_dynamic for shape in instruction.shapes
    )


def _is_host_transfer(instruction: Instruction) -> bool:
    return instruction.opcode in _HOST_OPCODES or any(
        word in instruction.attributes for word in _HOST_WORDS
    )
