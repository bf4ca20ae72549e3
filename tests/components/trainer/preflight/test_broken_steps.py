"""Steps that are wrong on purpose, as TensorFlow lowers them."""

import tensorflow as tf

from components.trainer.preflight.findings.operations import slow_operations
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.hlo.program import parse_program

PLACES = Places(
    {"operations": {"Cast": ["loss", "loss.py:3"], "Unique": ["tables", "tables.py:5"]}}
)


def _found(step, *arguments):
    lowered = tf.function(step, jit_compile=True, autograph=False)
    text = lowered.experimental_get_compiler_ir(*arguments)(stage="hlo")
    return slow_operations(parse_program(text), PLACES)


def test_number_of_different_ids_is_a_dynamic_shape():
    def step(ids):
        unique, places = tf.unique(ids)
        return tf.math.unsorted_segment_sum(tf.ones_like(places), places, tf.size(unique))

    [finding] = _found(step, tf.constant([3, 1, 3, 2]))
    assert finding.kind == "dynamic_shape"
    assert (finding.place.layer, finding.place.file) == ("tables", "tables.py:5")


def test_selected_rows_are_a_dynamic_shape():
    [finding] = _found(lambda x: tf.boolean_mask(x, x > 0.0) * 2.0, tf.constant([1.0, -1.0]))
    assert finding.kind == "dynamic_shape"


def test_float64_in_the_loss_is_found_with_its_line():
    [finding] = _found(lambda x: tf.reduce_sum(tf.cast(x, tf.float64)), tf.constant([1.0, 2.0]))
    assert finding.kind == "float64"
    assert (finding.place.layer, finding.place.file) == ("loss", "loss.py:3")
    assert "float32" in finding.cure


def test_modulo_of_int64_ids_is_found():
    found = _found(lambda ids: ids % 7, tf.constant([10, 20], tf.int64))
    assert [(finding.kind, finding.count > 0) for finding in found] == [("int64_division", True)]


def test_modulo_of_int32_ids_is_not_found():
    assert _found(lambda ids: ids % 7, tf.constant([10, 20], tf.int32)) == []


def test_sound_step_has_no_findings():
    assert _found(lambda x: tf.reduce_sum(x * x), tf.constant([1.0, 2.0])) == []
