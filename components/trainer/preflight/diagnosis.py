"""Why a program is not compiled: the operation, the layer, the line, and the usual cure."""

import re
from typing import NamedTuple

from components.preflight_result import Cause, Outcome, Place
from components.trainer.exported_step import ExportError
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.hlo.program import Program

_MESSAGE_LINES = 6
_LINE_LENGTH = 300
_OP_NAME = re.compile(r'op_name="([^"]+)"')
_NAME = re.compile(r"%([\w.\-]+)")
_HBM = re.compile(r"CompileTimeHbmOom|Ran out of memory (?:on HBM|in memory space hbm)", re.I)
_NO_CURE = "see the message; the compiler's errors are listed at openxla.org/xla/errors"
_FITS_NOT = (
    "a smaller batch, an embedding method with smaller tables, an optimizer with smaller slots "
    "(rowwise_adagrad, sgd), or the tables spread over several chips"
)
_CURES = (
    (
        re.compile(r"dynamic|bounded|<=\d", re.I),
        "give the operation's result a fixed size: nothing may depend on the values of the batch",
    ),
    (
        re.compile(r"callback|PyFunc|host|custom.call", re.I),
        "take what runs on the host (py_function, tf.print, checks) out of the step",
    ),
    (
        re.compile(r"\bf64\b|float64|X64", re.I),
        "cast to float32 before; a Python float or a NumPy array without a dtype is often the "
        "cause",
    ),
    (
        re.compile(r"vmem|scoped", re.I),
        "a smaller batch, or a smaller last dimension: what one operation needs does not fit on "
        "the chip",
    ),
    (
        re.compile(r"legali[sz]e|not implemented|unimplemented|unsupported", re.I),
        "write it with other operations: TensorFlow exports this one, the TPU compiler lacks it",
    ),
)


class Diagnosis(NamedTuple):
    """What is wrong, and why."""

    outcome: Outcome
    cause: Cause


def cause_of_export_error(error: ExportError) -> Cause:
    """Returns the cause that TensorFlow gives for a step that it cannot lower."""
    place = Place(operation=error.operation, layer=error.layer, file=error.file)
    return Cause(place=place, message=shortened(str(error.__cause__)), cure=error.cure)


def diagnose(message: str, before: Program, places: Places) -> Diagnosis:
    """Reads a compiler's refusal.

    Args:
      message: what it says.
      before: the program as it was exported; empty if that is not known.
      places: where operations come from.
    """
    place = places.of(_operation(message, before))
    short = shortened(message)
    if _HBM.search(message):
        return Diagnosis("does_not_fit", Cause(message=short, cure=_FITS_NOT))
    cure = next((cure for pattern, cure in _CURES if pattern.search(message)), _NO_CURE)
    return Diagnosis("does_not_compile", Cause(place=place, message=short, cure=cure))


def shortened(message: str) -> str:
    """Returns the first lines of a message, cut where they are long, without empty ones."""
    lines = [line.rstrip() for line in message.splitlines() if line.strip()]
    cut = (f"{line[:_LINE_LENGTH]}..." if len(line) > _LINE_LENGTH else line for line in lines)
    return "\n".join(list(cut)[:_MESSAGE_LINES])


def _operation(message: str, before: Program) -> str:
    """TensorFlow's name of the operation that a message is about."""
    named = _OP_NAME.search(message)
    if named:
        return named.group(1)
    by_name = {instruction.name: instruction for instruction in before.instructions}
    for name in _NAME.findall(message):
        if name in by_name and by_name[name].op_name:
            return by_name[name].op_name
    return ""
