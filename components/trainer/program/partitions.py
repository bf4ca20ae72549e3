"""Notes in a program that say how its arguments are spread over several chips."""

from collections.abc import Sequence

from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.compiler.xla.service import hlo_pb2


def spread_over_chips(
    program: bytes,
    num_chips: int,
    is_spread: Sequence[bool],
    aliases: Sequence[tuple[int, int]],
) -> bytes:
    """Returns a program for XLA's partitioner (GSPMD), which finds the collectives.

    Args:
      program: a serialized `HloModuleProto`, whose result is a tuple.
      num_chips: how many chips run it together.
      is_spread: of each argument, whether its first axis is cut into `num_chips` parts; else each
        chip has it whole.
      aliases: pairs of result and argument that are spread alike. Other results are whole.
    """
    module = hlo_pb2.HloModuleProto.FromString(program)
    [entry] = [c for c in module.computations if c.id == module.entry_computation_id]
    ranks = [len(shape.dimensions) for shape in entry.program_shape.parameters]
    parts = [
        _cut(num_chips, rank) if spread else _whole()
        for rank, spread in zip(ranks, is_spread, strict=True)
    ]
    of_result = dict(aliases)
    for instruction in entry.instructions:
        if instruction.opcode == "parameter":
            instruction.sharding.CopyFrom(parts[instruction.parameter_number])
        elif instruction.id == entry.root_id:
            num_results = len(instruction.shape.tuple_shapes)
            results = [
                parts[of_result[i]] if i in of_result else _whole() for i in range(num_results)
            ]
            instruction.sharding.type = xla_data_pb2.OpSharding.TUPLE
            instruction.sharding.tuple_shardings.extend(results)
    return bytes(module.SerializeToString())


def _whole() -> xla_data_pb2.OpSharding:
    return xla_data_pb2.OpSharding(type=xla_data_pb2.OpSharding.REPLICATED)


def _cut(num_chips: int, rank: int) -> xla_data_pb2.OpSharding:
    """Along the first axis."""
    return xla_data_pb2.OpSharding(
        type=xla_data_pb2.OpSharding.OTHER,
        tile_assignment_dimensions=[num_chips] + [1] * (rank - 1),
        tile_assignment_devices=range(num_chips),
    )
