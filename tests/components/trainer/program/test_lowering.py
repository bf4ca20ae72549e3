import pytest
import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

from components.trainer.program.lowering import LoweringError, lower


def test_a_function_of_a_tensor_and_variables_is_lowered() -> None:
    read, updated = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([[5.0]])

    def function(x: tf.Tensor) -> tf.Tensor:
        updated.assign_add([[2.0]])
        return tf.reduce_sum(x * read)

    lowered = lower(function, [tf.TensorSpec([3], name="x")], lambda: [updated, read])
    assert len(lowered.captured) == 2
    at = 1 + next(i for i, v in enumerate(lowered.captured) if v is updated)
    assert lowered.captured[2 - at] is read
    assert (lowered.updated, lowered.aliases) == ((at,), ((1, at),))
    module = hlo_pb2.HloModuleProto.FromString(lowered.program)
    shapes = [list(p.dimensions) for p in module.host_program_shape.parameters]
    assert shapes[0] == [3]
    assert shapes[at] == [1, 1]


def test_constants_of_the_outside_are_arguments() -> None:
    constant = tf.constant([1.0, 2.0])
    lowered = lower(lambda x: x + constant, [tf.TensorSpec([2])], list)
    [captured] = lowered.captured
    assert captured is constant


def test_the_operation_of_an_inner_function_is_named() -> None:
    inner = tf.function(lambda x: tf.strings.length(tf.strings.as_string(x)))
    with pytest.raises(LoweringError, match="AsString") as caught:
        lower(inner, [tf.TensorSpec([2])], list)
    assert caught.value.operation.endswith("AsString")
    assert "{{" not in str(caught.value).replace("{{node", "")
