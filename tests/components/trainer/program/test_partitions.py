import tensorflow as tf
from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.compiler.xla.service import hlo_pb2

from components.trainer.program.lowering import lower
from components.trainer.program.partitions import spread_over_chips

REPLICATED, OTHER = xla_data_pb2.OpSharding.REPLICATED, xla_data_pb2.OpSharding.OTHER


def spread(is_spread: list[bool]) -> hlo_pb2.HloComputationProto:
    """The entry of a program that adds a row to a table and returns the sum of the row."""
    table = tf.Variable(tf.zeros([8, 4]))

    def function(row: tf.Tensor) -> tf.Tensor:
        table.assign_add(tf.tile(row, [8, 1]))
        return tf.reduce_sum(row)

    lowered = lower(function, [tf.TensorSpec([1, 4])], lambda: [table])
    program = spread_over_chips(lowered.program, 2, is_spread, lowered.aliases)
    module = hlo_pb2.HloModuleProto.FromString(program)
    [entry] = [c for c in module.computations if c.id == module.entry_computation_id]
    return entry


def test_arguments_are_whole_or_cut_along_their_first_axis() -> None:
    instructions = [i for i in spread([False, True]).instructions if i.opcode == "parameter"]
    row, table = sorted(instructions, key=lambda i: i.parameter_number)
    assert row.sharding.type == REPLICATED
    assert table.sharding.type == OTHER
    assert list(table.sharding.tile_assignment_dimensions) == [2, 1]
    assert list(table.sharding.tile_assignment_devices) == [0, 1]


def test_a_result_is_spread_as_the_argument_whose_memory_it_takes() -> None:
    entry = spread([False, True])
    [root] = [i for i in entry.instructions if i.id == entry.root_id]
    loss, table = root.sharding.tuple_shardings
    assert (loss.type, table.type) == (REPLICATED, OTHER)
    assert list(table.tile_assignment_dimensions) == [2, 1]
