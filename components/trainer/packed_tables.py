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
        per_line = _rows_per_line(self._places[stack][0].table.width)
        flat = _by_lookup(rows)
        lines = tf.gather(self.stacks[stack], flat // per_line)
        values = _take_part(lines, flat % per_line, per_line)
        by_lookup = tf.reshape(values, [rows.shape[1], -1, values.shape[-1]])
        return tf.transpose(by_lookup, [1, 0, 2])

    def _slices(
        self, gradients: Sequence[tf.Tensor], rows: Sequence[tf.Tensor]
    ) -> list[tf.IndexedSlices]:
        slices = super()._slices(gradients, rows)
        for index, places in enumerate(self._places):
            if self.small[index] is None:
                width = places[0].table.width
                per_line = _rows_per_line(width)
                flat = _by_lookup(rows[index])
                gradient = tf.reshape(tf.transpose(gradients[index], [1, 0, 2]), [-1, width])
                lines = _put_part(gradient, flat % per_line, per_line)
                slices[index] = as_slices(lines, flat // per_line, self.stacks[index])
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


def _by_lookup(rows: tf.Tensor) -> tf.Tensor:
    """`[batch, num_lookups]` as `[num_lookups * batch]`: those of one table lie together."""
    return tf.reshape(tf.transpose(rows), [-1])


# Both halve or double the lines step by step, so no array has parts for one of its last two
# dimensions: in a TPU's memory each part would take the place of 128 numbers.
def _take_part(lines: tf.Tensor, parts: tf.Tensor, per_line: int) -> tf.Tensor:
    """Returns one of the equal parts of each line.

    Args:
      lines: float32 `[..., per_line * width]`.
      parts: which one of each, integers `[...]` in `[0, per_line)`.
      per_line: how many there are.
    """
    width = lines.shape[-1] // per_line
    while per_line > 1:
        half = _first_parts(per_line)
        first, last = lines[..., : half * width], lines[..., half * width :]
        missing = [[0, 0]] * (lines.shape.rank - 1) + [[0, first.shape[-1] - last.shape[-1]]]
        is_last = parts >= half
        lines = tf.where(is_last[..., None], tf.pad(last, missing), first)
        parts = tf.where(is_last, parts - half, parts)
        per_line = half
    return lines


def _put_part(values: tf.Tensor, parts: tf.Tensor, per_line: int) -> tf.Tensor:
    """Returns lines that are 0 but for one part; the other way round than `_take_part`."""
    if per_line == 1:
        return values
    half, width = _first_parts(per_line), values.shape[-1]
    is_last = parts >= half
    lines = _put_part(values, tf.where(is_last, parts - half, parts), half)
    first = tf.where(is_last[..., None], 0.0, lines)
    last = tf.where(is_last[..., None], lines, 0.0)
    return tf.concat([first, last[..., : (per_line - half) * width]], axis=-1)


def _first_parts(per_line: int) -> int:
    """The largest power of two below a number of parts."""
    return 1 << (per_line - 1).bit_length() - 1
