"""A function of TensorFlow as a program of XLA."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from components.trainer.program.op_places import NOWHERE, OpPlace, find_places

_NODE = re.compile(r"\{\{node ([^}]+)\}\}")
_MESSAGE = re.compile(r"Failed getting HLO text: '(.*)'", re.DOTALL)
# Names that TensorFlow makes up.
_NOISE = re.compile(
    r" when trying to compile graph \S+|\{\{function_node [^}]+\}\}|\)?\{\{node [^}]+\}\}$"
)
_CURES = (
    (
        re.compile(r"PyFunc|Print|Assert|Numpy", re.I),
        "take what runs in Python on the host out of the step",
    ),
    (
        re.compile(r"compile-time constant|dynamic|bounded", re.I),
        "give the operation a size that does not depend on the values of the batch",
    ),
    (
        re.compile(r"String|DT_STRING|Lookup|HashTable", re.I),
        "do it in Transform: XLA has no texts and no lookup tables",
    ),
    (
        re.compile(r"SparseApply", re.I),
        "use an optimizer of components/trainer/optimizers.py: they are made of gather and scatter",
    ),
)
_NO_CURE = "write it with operations that XLA has"


class LoweringError(RuntimeError):
    """XLA lacks an operation of a function, or cannot have it as it is used.

    Attributes:
      operation: TensorFlow's name of it; empty if that is not known.
      place: where it comes from.
      cure: what usually helps.
    """

    def __init__(self, message: str, operation: str, place: OpPlace, cure: str) -> None:
        """Takes what TensorFlow says, and the rest."""
        super().__init__(message)
        self.operation, self.place, self.cure = operation, place, cure


@dataclass(frozen=True)
class LoweredFunction:
    """A program.

    Attributes:
      program: a serialized `HloModuleProto`.
      specs: of the function's arguments, the first of the program's.
      captured: the variables and constants that follow.
      updated: the results behind the function's own: the argument that each is the new value of.
      aliases: pairs of result and argument that may share memory.
      places: where the operations come from.
    """

    program: bytes
    specs: tuple[tf.TensorSpec, ...]
    captured: tuple[tf.Variable | tf.Tensor, ...]
    updated: tuple[int, ...]
    aliases: tuple[tuple[int, int], ...]
    places: dict[str, OpPlace]


def lower(
    function: Callable[..., tf.Tensor],
    specs: Sequence[tf.TensorSpec],
    find_variables: Callable[[], Iterable[tf.Variable]],
) -> LoweredFunction:
    """Lowers a function of tensors that returns one tensor and may update variables.

    It is lowered as for this machine's CPU, without optimizations.

    Args:
      function: what it calls is part of the program.
      specs: of its arguments; the shapes are static.
      find_variables: returns those that it may read or set, once it has been traced.

    Raises:
      LoweringError: if XLA lacks an operation.
    """
    traced = tf.function(function, jit_compile=True, autograph=False)
    concrete = traced.get_concrete_function(*specs)
    places = find_places(concrete.graph)
    try:
        program = traced.experimental_get_compiler_ir(*specs)(stage="hlo_serialized")
    except ValueError as error:
        raise _explained(str(error), places) from error
    handles = {id(variable.handle): variable for variable in find_variables()}
    captured = tuple(handles.get(id(tensor), tensor) for tensor in concrete.captured_inputs)
    module = hlo_pb2.HloModuleProto.FromString(program)
    _check_arguments(module, [*specs, *captured])
    aliases = sorted(
        (entry.output_shape_index[0], entry.parameter_number)
        for entry in module.input_output_alias.entries
    )
    return LoweredFunction(
        program=program,
        specs=tuple(specs),
        captured=captured,
        updated=tuple(argument for _, argument in aliases),
        aliases=tuple(aliases),
        places=places,
    )


def _explained(message: str, places: dict[str, OpPlace]) -> LoweringError:
    inside = _MESSAGE.search(message)
    message = (inside.group(1) if inside else message).strip()
    nodes = _NODE.findall(message)
    operation = nodes[-1] if nodes else ""
    first_line = _NOISE.sub("", message.partition("\n")[0])
    cure = next((cure for pattern, cure in _CURES if pattern.search(first_line)), _NO_CURE)
    return LoweringError(first_line, operation, places.get(operation, NOWHERE), cure)


def _check_arguments(module: Any, expected: Sequence[Any]) -> None:
    """Checks that the program's arguments are what they are taken for."""
    shapes = [list(shape.dimensions) for shape in module.host_program_shape.parameters]
    wanted = [list(each.shape) for each in expected]
    if shapes != wanted:
        raise RuntimeError(f"expected arguments of shapes {wanted}, the program has {shapes}")
    num_outputs = len(module.host_program_shape.result.tuple_shapes)
    outputs = {entry.output_shape_index[0] for entry in module.input_output_alias.entries}
    if outputs != set(range(1, num_outputs)):
        raise RuntimeError(f"expected an alias for each of {num_outputs - 1} updates: {outputs}")
