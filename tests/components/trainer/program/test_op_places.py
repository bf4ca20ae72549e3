import tensorflow as tf
import tf_keras

from components.trainer.program.op_places import find_places
from components.trainer.repeated_rows import find_distinct


def test_an_operation_has_our_module_function_and_line() -> None:
    graph = tf.function(find_distinct).get_concrete_function(tf.TensorSpec([4], tf.int32)).graph
    places = find_places(graph)
    [cumsum] = [place for name, place in places.items() if name == "Cumsum"]
    assert cumsum.layer == "repeated_rows.find_distinct"
    assert cumsum.file.startswith("components/trainer/repeated_rows.py:")


def test_operations_that_are_not_of_our_files_have_no_place() -> None:
    layer = tf_keras.layers.Dense(2)
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec([3, 4])).graph
    assert len(graph.get_operations()) > 3
    assert find_places(graph) == {}
