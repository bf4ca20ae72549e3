"""Where a network is trained: one device, several, several machines, or TPUs."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tensorflow as tf

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.model import Dlrm
from components.trainer.strategies import find_strategy
from components.trainer.tables import EmbeddingTables
from components.trainer.tpu_tables import TpuTables
from components.trainer.train_step import Batch

Prepare = Callable[[Batch], Batch]
OutputT = TypeVar("OutputT")


class Devices:
    """The devices of a training, behind one interface.

    Variables are made under `scope()`. A step is a function of one replica's batch; it may sum over
    the replicas with `tf.distribute.get_replica_context()`, and what it returns is the same on all
    of them.

    Attributes:
      num_replicas: how many copies of a step run at once, on all workers together.
      jit_compile: whether XLA should compile the dense part of a step; TPUs compile all of it.
      is_chief: whether this process writes what is written once.
      trains_several: whether one network after the other can be trained on them.
    """

    def __init__(self, strategy: tf.distribute.Strategy, is_tpu: bool = False) -> None:
        """Takes a strategy.

        Args:
          strategy: TensorFlow's; `tf.distribute.get_strategy()` is a single device.
          is_tpu: whether large tables lie in `TPUEmbedding`. Off a TPU it works too, by plain
            lookups.
        """
        self._strategy = strategy
        self._is_tpu = is_tpu
        self._is_default = strategy is tf.distribute.get_strategy()
        self.num_replicas = strategy.num_replicas_in_sync
        self.jit_compile = not is_tpu
        self.trains_several = not is_tpu  # a TPU takes the tables of one network only
        self.is_chief = bool(strategy.extended.should_checkpoint)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the context in which variables are made."""
        return self._strategy.scope()

    def make_tables(
        self, config: TrainerConfig
    ) -> Callable[[Sequence[Embedding]], EmbeddingTables]:
        """Returns what makes the tables of a network, to be called under `scope()`."""
        if self._is_tpu:
            return lambda embeddings: TpuTables(embeddings, config)
        return EmbeddingTables

    def distribute(self, dataset: tf.data.Dataset, prepare: Prepare) -> tf.data.Dataset:
        """Returns the dataset as the devices take it, an iterable.

        Each replica gets its part of every batch, in order, so a step sees the rows that a single
        device would. Every worker reads the whole dataset, which must be the same on all of them.

        Args:
          dataset: batches of equal, static size.
          prepare: `TrainStep.prepare`; what a TPU needs its host to do.

        Raises:
          InputError: if the size of a batch is no multiple of `num_replicas`.
        """
        batch_size = tf.nest.flatten(dataset.element_spec)[0].shape[0]
        if batch_size % self.num_replicas:
            raise InputError(
                f"batch_size: expected a multiple of the number of replicas, {self.num_replicas}, "
                f"received {batch_size}"
            )
        if self._is_default:
            return self._prepared(dataset, prepare)

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            num_local = self.num_replicas // context.num_input_pipelines
            first = num_local * context.input_pipeline_id

            def split(*batch: Any) -> tf.data.Dataset:
                parts = tf.nest.map_structure(
                    lambda t: tf.reshape(
                        t, [self.num_replicas, batch_size // self.num_replicas, *t.shape[1:]]
                    )[first : first + num_local],
                    batch,
                )
                return tf.data.Dataset.from_tensor_slices(parts)

            return self._prepared(dataset.flat_map(split), prepare).prefetch(2 * num_local)

        # TPUEmbedding takes its rows from the host.
        options = tf.distribute.InputOptions(experimental_fetch_to_device=not self._is_tpu)
        return self._strategy.distribute_datasets_from_function(of_worker, options)

    def _prepared(self, dataset: tf.data.Dataset, prepare: Prepare) -> tf.data.Dataset:
        if not self._is_tpu:
            return dataset
        return dataset.map(
            lambda *batch: prepare(batch), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def evaluation_batch_rows(self, num_rows: int, batch_size: int) -> int:
        """Returns the size of the batches for an evaluation: about `num_rows`.

        On TPUs it is `batch_size`, that of the training: their tables take only one size.
        """
        if self._is_tpu:
            return batch_size
        return -(-num_rows // self.num_replicas) * self.num_replicas

    def compile(
        self, step: Callable[[Batch], OutputT], element_spec: Any
    ) -> Callable[[Batch], OutputT]:
        """Returns `step` for one element of a distributed dataset, traced.

        Args:
          step: a function of one replica's batch.
          element_spec: of the distributed dataset.
        """
        traced = tf.function(lambda batch: self._run(step, batch), autograph=False)
        return traced.get_concrete_function(element_spec)

    def compile_loop(
        self, step: Callable[[Batch], tf.Tensor], iterator: Any
    ) -> Callable[[Any, int], tf.Tensor]:
        """Returns a loop over `step` that runs without Python, traced.

        Python, and the way to a device, cost as much as a small step. What the loop returns stays
        where it is until somebody reads it.

        Args:
          step: a function of one replica's batch.
          iterator: over a distributed dataset; others of its kind can be given to the loop.

        Returns:
          a function of an iterator and a number of steps, at most as many as it has batches left.
          It returns what the steps returned, float32 `[num_steps, ...]`.
        """

        def loop(iterator: Any, num_steps: tf.Tensor) -> tf.Tensor:
            outputs = tf.TensorArray(tf.float32, num_steps)

            def body(index: tf.Tensor, outputs: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
                return index + 1, outputs.write(index, self._run(step, next(iterator)))

            start = (tf.constant(0), outputs)
            _, outputs = tf.while_loop(lambda index, _: index < num_steps, body, start)
            return outputs.stack()

        traced = tf.function(loop, autograph=False).get_concrete_function(
            iterator, tf.TensorSpec([], tf.int32)
        )
        return lambda iterator, num_steps: traced(iterator, tf.constant(num_steps))

    def _run(self, step: Callable[[Batch], OutputT], batch: Batch) -> OutputT:
        """Returns what the first replica of this worker returned: a tensor, or a nest of them."""
        output = self._strategy.run(step, (batch,))
        local_results = self._strategy.experimental_local_results
        return tf.nest.map_structure(lambda value: local_results(value)[0], output)

    def to_plain(self, network: Dlrm, make_plain: Callable[[], Dlrm], scratch_dir: str) -> Dlrm:
        """Returns a network with the same weights that needs none of these devices.

        It is what an export takes: one signature, wherever the network was trained.

        Args:
          network: made under `scope()`, and trained.
          make_plain: makes the same network on a single device, with plain tables.
          scratch_dir: an existing folder for files that are written on the way; several hosts of a
            TPU must all see it.
        """
        if self._is_default and not self._is_tpu:
            return network
        plain = make_plain()
        for source, target in zip(_others(network), _others(plain), strict=True):
            target.assign(source.numpy())
        network.tables.copy_to(plain.tables, scratch_dir)
        return plain


def _others(network: Dlrm) -> list[tf.Variable]:
    """All variables but those of the tables."""
    of_tables = {variable.ref() for variable in network.tables.table_variables}
    return [v for v in network.variables if v.ref() not in of_tables]


def make_devices(device: str) -> Devices:
    """Returns the devices for `TrainerConfig.device`.

    Raises:
      InputError: if they are not there.
    """
    strategy = find_strategy(device)
    return Devices(strategy, is_tpu=isinstance(strategy, tf.distribute.TPUStrategy))
