"""The tables of a network that is trained on TPUs: the large ones in `TPUEmbedding`."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_recommenders.layers.embedding.tpu_embedding_layer import TPUEmbedding

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.optimizer_config import EmbeddingOptimizerConfig
from components.trainer.optimizers import Optimizer
from components.trainer.packed_tables import PackedTables
from components.trainer.places import Place
from components.trainer.small_stacks import check_trained_as_float32
from components.trainer.tables import Update

_FeatureConfig = tf.tpu.experimental.embedding.FeatureConfig
_TableConfig = tf.tpu.experimental.embedding.TableConfig


class TpuTables(PackedTables):
    """Large tables are spread over the memory of all TPU cores, small ones lie on each of them.

    The large ones are those of TFRS's `TPUEmbedding`, which looks rows up and updates them beside
    the matrix units. Where a TPU has no such part (v5e), these tables lie on each core too, and
    Adagrad goes through them whole at every step. Off a TPU lookups are plain ones.

    The rows of the large tables must come from the host, as arguments of the replica's function:
    `TrainStep.prepare` puts them into the batch.
    """

    takes_prescaled = False

    def __init__(self, embeddings: Sequence[Embedding], config: TrainerConfig) -> None:
        """Makes the small tables; the large ones follow with `use_optimizer`.

        Args:
          embeddings: whose tables are nowhere else.
          config: the variant, with the options of `tpu`.

        Raises:
          InputError: if TPUs do not have the embedding optimizer, tables are to start anew, or a
            method changes them between steps.
        """
        check_trained_on_tpus(embeddings, config)
        super().__init__(embeddings, max_rows=config.tpu.min_table_rows - 1)
        self._optimizer_config = config.embedding_optimizer
        self._pipelined = config.tpu.pipelined_execution
        configs = {id(place.table): _table_config(place) for place in reversed(self._left_out)}
        self._table_configs = tuple(configs[id(place.table)] for place in self._left_out)
        self._large: TPUEmbedding | None = None

    def use_optimizer(self, optimizer: Optimizer) -> None:
        """Makes the large tables, which the TPU's form of the optimizer updates."""
        if self._left_out:
            self._large = TPUEmbedding(
                self._feature_configs(),
                _translate(optimizer, self._optimizer_config),
                pipeline_execution_with_tensor_core=self._pipelined,
            )

    @property
    def table_variables(self) -> list[tf.Variable]:
        """The stacks, and what stands for the large tables: on a TPU a variable of one number."""
        return self.stacks + ([] if self._large is None else self._large.trainable_variables)

    def rows(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows of the stacks, then for each lookup of a large table int32 `[batch]`."""
        of_embedding = self._rows_of_embeddings(ids)
        of_large: list[tf.Tensor] = []
        for place in self._left_out:
            rows = tf.cast(of_embedding[place.embedding][place.position], tf.int32)
            of_large += [rows] if place.table.num_lookups == 1 else tf.unstack(rows, axis=1)
        return self._rows_of_stacks(of_embedding) + of_large

    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the values of the stacks' rows, then those of each lookup `[batch, width]`."""
        num_stacks = len(self.stacks)
        return super().gather(rows[:num_stacks]) + self._gather_large(rows[num_stacks:])

    def gather_to_train(self, rows: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Update]:
        """Returns what `gather` does, and a function that updates these rows."""
        num_stacks = len(self.stacks)
        with tf.GradientTape() as tape:
            large = self._gather_large(rows[num_stacks:])

        def update(optimizer: Optimizer, gradients: Sequence[tf.Tensor]) -> None:
            of_stacks = self._slices(gradients[:num_stacks], rows[:num_stacks])
            # On a TPU this sends the gradients to the tables, which are updated there. What is left
            # for the optimizer is one number, by which it counts the step.
            large_variables = self.table_variables[num_stacks:]
            of_large = tape.gradient(large, large_variables, gradients[num_stacks:])
            variables = [*self.stacks, *large_variables]
            suit = _as_sparse if self._optimizer_config.name == "sgd" else _as_dense
            suited = map(suit, [*of_stacks, *of_large], variables)
            optimizer.apply_gradients(zip(suited, variables, strict=True))

        return super().gather(rows[:num_stacks]) + large, update

    def _gather_large(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if not self._left_out:
            return []
        if self._large is None:
            raise RuntimeError("expected use_optimizer before the first lookup")
        names = list(self._feature_configs())
        found = self._large(dict(zip(names, rows, strict=True)))
        return [found[name] for name in names]

    def _vectors(self, gathered: Sequence[tf.Tensor]) -> list[list[tf.Tensor]]:
        num_stacks = len(self.stacks)
        vectors = super()._vectors(gathered[:num_stacks])
        of_large = iter(gathered[num_stacks:])
        for place in self._left_out:
            values = [next(of_large) for _ in range(place.table.num_lookups)]
            vector = values[0] if len(values) == 1 else tf.stack(values, axis=1)
            vectors[place.embedding][place.position] = vector
        return vectors

    def _all_values(self, scratch_dir: str) -> Iterator[tuple[Place, np.ndarray]]:
        """Yields the large tables too.

        They take the way that TensorFlow documents: a checkpoint, read into the same layer made for
        a CPU. All hosts of a TPU must see the folder.
        """
        yield from super()._all_values(scratch_dir)
        if self._large is None:
            return
        path = os.path.join(scratch_dir, "large_tables")
        tf.train.Checkpoint(large=self._large).write(path)
        plain = TPUEmbedding(self._feature_configs(), optimizer=None)
        plain.build(None)
        tf.train.Checkpoint(large=plain).read(path).assert_existing_objects_matched()
        for place, config in zip(self._left_out, self._table_configs, strict=True):
            yield place, plain.embedding_tables[config].numpy()

    def _feature_configs(self) -> dict[str, Any]:
        """One for each lookup, in order."""
        return {
            f"lookup_{place.embedding}_{place.position}_{lookup}": _FeatureConfig(config)
            for place, config in zip(self._left_out, self._table_configs, strict=True)
            for lookup in range(place.table.num_lookups)
        }


def check_trained_on_tpus(embeddings: Sequence[Embedding], config: TrainerConfig) -> None:
    """Refuses what `TpuTables` cannot train, before any variable is made.

    Args:
      embeddings: whose tables they would be.
      config: the variant.

    Raises:
      InputError: see `TpuTables`.
    """
    if config.reset_tables:
        raise InputError("reset_tables: expected false on TPUs, received true")
    check_trained_as_float32(embeddings)
    if any(e.maintenance or e.storage.maintenance for e in embeddings):
        raise InputError(
            f"{config.embedding.method}: expected methods that change no table between steps "
            "on TPUs, received one that does"
        )
    try:
        config.tpu.check_optimizer(config.embedding_optimizer)
    except ValueError as error:
        raise InputError(str(error)) from error


def _table_config(place: Place) -> Any:
    def initial_values(shape: object, dtype: object = None, shard_info: Any = None) -> tf.Tensor:
        """The whole table, or the part that one of several hosts holds."""
        values = place.table.initial_values()
        if shard_info is None:
            return values
        first_row = shard_info.offset[0]
        return values[first_row : first_row + shard_info.shape[0]]

    return _TableConfig(
        vocabulary_size=place.table.num_rows,
        dim=place.table.width,
        initializer=initial_values,
        name=f"table_{place.embedding}_{place.position}",
    )


def _translate(optimizer: Optimizer, config: EmbeddingOptimizerConfig) -> Any:
    """Returns the TPU's form of an optimizer, whose state stays with the optimizer."""

    def rate() -> tf.Tensor:
        return optimizer.learning_rate(optimizer.iterations)

    def make_slots(
        table: tf.Variable, names: Sequence[str], initializers: Sequence[Any]
    ) -> dict[str, tf.Variable]:
        return {
            name: optimizer.add_slot(table, name.removesuffix("s"), initializer)
            for name, initializer in zip(names, initializers, strict=True)
        }

    if config.name == "sgd":
        return tf.tpu.experimental.embedding.SGD(rate)
    return tf.tpu.experimental.embedding.Adagrad(
        rate, config.initial_accumulator_value, slot_variable_creation_fn=make_slots
    )


# Compiled for a TPU, all shapes must be known beforehand. SGD takes repeated rows as they are, and
# has no use for a dense gradient. Adagrad would look for the distinct rows of a sparse one, and how
# many there are depends on the batch.
def _as_sparse(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.IndexedSlices:
    if isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.IndexedSlices(gradient, tf.range(variable.shape[0]), tf.shape(variable))


def _as_dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    if isinstance(gradient, tf.IndexedSlices):
        num_rows = variable.shape[0]
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, num_rows)
    return gradient
