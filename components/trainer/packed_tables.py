"""Tables whose rows lie side by side in the lines of a TPU's memory."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.places import Place, num_rows
from components.trainer.stacked_lookup import as_slices
from components.trainer.tables import EmbeddingTables

# https://openxla.org/xla/tiled_layout: what a TPU's memory is read and written in.
LINE_WIDTH = 128


class PackedTables(EmbeddingTables):
    """Tables for a step that is compiled whole for TPUs.

    A stack has `128 // width` rows in each of its lines. Shorter lines are filled up to 128 numbers
    by the TPU before it scatters into them: the whole table is copied there and back in every step,
    8 times as large at width 16. Here what is scattered are lines that are 0 but for one row.

    For optimizers that treat each number by itself: SGD and Adagrad. Stacks that are trained in
    another form than float32 stay as they are.
    """

    def _stack_shape(self, num_rows: int, width: int) -> tuple[int, int]:
        per_line = _rows_per_line(width)
        return -(-num_rows // per_line), per_line * width

    def _to_stack(self, values: tf.Tensor) -> tf.Tensor:
        shape = self._stack_shape(*values.shape)
        missing = shape[0] * _rows_per_line(values.shape[1]) - values.shape[0]
        return tf.reshape(tf.pad(values, [[0, missing], [0, 0]]), shape)

    def _read(self, stack: int, rows: tf.Tensor) -> tf.Tensor:
        if self.small[stack] is not None:
            return super()._read(stack, rows)
        width = self._places[stack][0].table.width
        per_line = _rows_per_line(width)
        lines = tf.gather(self.stacks[stack], rows // per_line)
        parts = tf.reshape(lines, [-1, *rows.shape[1:], per_line, width])
        return tf.reduce_sum(tf.where(_is_part(rows, per_line), parts, 0.0), axis=-2)

    def _slices(
        self, gradients: Sequence[tf.Tensor], rows: Sequence[tf.Tensor]
    ) -> list[tf.IndexedSlices]:
        slices = super()._slices(gradients, rows)
        for index, places in enumerate(self._places):
            if self.small[index] is None:
                per_line = _rows_per_line(places[0].table.width)
                gradient = gradients[index][..., None, :]
                lines = tf.where(_is_part(rows[index], per_line), gradient, 0.0)
                slices[index] = as_slices(lines, rows[index] // per_line, self.stacks[index])
        return slices

    def _values(self, place: Place) -> np.ndarray:
        if self.small[place.stack] is not None:
            return super()._values(place)
        rows = np.reshape(self.stacks[place.stack].numpy(), [-1, place.table.width])
        return rows[place.first_row : place.first_row + place.table.num_rows]

    def _assign(self, place: Place, values: np.ndarray) -> None:
        if self.small[place.stack] is not None:
            super()._assign(place, values)
            return
        stack, width = self.stacks[place.stack], place.table.width
        rows = np.reshape(stack.numpy(), [-1, width])
        rows[place.first_row : place.first_row + place.table.num_rows] = values
        stack.assign(self._to_stack(tf.constant(rows[: num_rows(self._places[place.stack])])))


def _rows_per_line(width: int) -> int:
    return max(1, LINE_WIDTH // width)


def _is_part(rows: tf.Tensor, per_line: int) -> tf.Tensor:
    """Which part of its line each row is, bool `[..., per_line, 1]`."""
    return tf.one_hot(rows % per_line, per_line, True, False, dtype=tf.bool)[..., None]
