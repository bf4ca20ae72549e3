"""The train step as a program for a compiler elsewhere: XLA's HLO, and what its parts are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from components.errors import InputError
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import TEACHER_LOGIT
from components.trainer.model import ROWS, Dlrm
from components.trainer.packed_tables import LINE_WIDTH, PackedTables
from components.trainer.program.lowering import LoweredFunction, LoweringError, lower
from components.trainer.program.partitions import spread_over_chips
from components.trainer.program.unset_variables import large_variables_unset
from components.trainer.tables import EmbeddingTables
from components.trainer.train_step import Batch, TrainStep
from schemas.transformed import CATEGORICAL, DENSE

FORMAT = 1
# Of the training that a step is exported of: the learning rates end with it.
NUM_STEPS = 100_000
_PLAIN_TABLES = "tables are plain variables: what TPUEmbedding does is not part of a program"
_PACKED_TABLES = f"rows of a table lie side by side in lines of up to {LINE_WIDTH} numbers"
# The optimizers that treat each number of a table by itself.
_OF_NUMBERS = ("sgd", "adagrad")


class ExportError(InputError):
    """TensorFlow cannot make a program of a step.

    Attributes:
      operation: TensorFlow's name of the operation that is the cause; empty if that is not known.
      layer: the part of the model that made it.
      file: our source file and line.
      cure: what usually helps.
    """

    def __init__(self, variant: str, error: LoweringError) -> None:
        """Takes the variant and what went wrong."""
        self.operation, self.cure = error.operation, error.cure
        self.layer, self.file = error.place
        where = f" in {self.layer} ({self.file})" if self.file else ""
        name = f"operation {self.operation}{where}" if self.operation else "unknown operation"
        super().__init__(f"step of variant {variant}: {name}: {error}; {self.cure}")


@dataclass(frozen=True)
class ExportedStep:
    """A train step.

    Attributes:
      program: a serialized `HloModuleProto`.
      manifest: what stands with it, ready for JSON: `format`, `tensorflow`, `variant`,
        `batch_size`, `num_chips`, `config`, `arguments` and `outputs` in the program's order (each
        a `name`, `kind`, `shape` and `dtype`), `aliases` (`[output, argument]` pairs that may share
        memory), `operations` (TensorFlow's name of an operation -> `[layer, "file:line"]`), and
        `notes`.
    """

    program: bytes
    manifest: dict[str, Any]


def export_step(
    config: TrainerConfig,
    vocabulary_sizes: Mapping[str, int],
    dense_width: int,
    batch_size: int,
    num_chips: int = 1,
    rows_are_spread: bool = False,
) -> ExportedStep:
    """Exports the train step of a variant, compiled whole: lookups and updates, too.

    The rows of the ids are among its inputs, as on TPUs: the host computes them beforehand.
    Variables of 64 MB and more are never filled, so tables that are larger than this machine's
    memory can be exported; only tables that are trained in another form than float32 are made.

    Args:
      config: the variant.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the dense features; 0 where there is none.
      batch_size: rows of a step, over all chips.
      num_chips: over how many chips the batch is spread, by notes for XLA's partitioner.
      rows_are_spread: whether the rows of the tables are, too; else each chip has all variables.

    Raises:
      ExportError: if TensorFlow cannot lower an operation of the step.
      InputError: if the configuration does not suit the features, or `batch_size` is no multiple
        of `num_chips`.
    """
    if num_chips < 1 or batch_size % num_chips:
        raise InputError(
            f"batch_size: expected a multiple of the {num_chips} chips, received {batch_size}"
        )
    with large_variables_unset():
        network, step = make_step(config, vocabulary_sizes, dense_width)
        specs = batch_specs(step, batch_size, len(vocabulary_sizes), dense_width)
        lowered = lower_step(step, specs, config.variant)
    is_packed = isinstance(network.tables, PackedTables)
    tables = {variable.ref() for variable in network.tables.table_variables}
    slots = {slot.ref() for slot in step.embedding_optimizer.variables() if slot.shape.rank}
    program = lowered.program
    if num_chips > 1:
        spread = tables | slots if rows_are_spread else set()
        of_rows = [isinstance(v, tf.Variable) and v.ref() in spread for v in lowered.captured]
        is_spread = [True] * len(specs) + of_rows
        program = spread_over_chips(program, num_chips, is_spread, lowered.aliases)
    manifest = {
        "format": FORMAT,
        "tensorflow": tf.__version__,
        "variant": config.variant,
        "batch_size": batch_size,
        "num_chips": num_chips,
        "config": config.model_dump(mode="json"),
        **_signature(lowered, tables),
        "operations": {name: list(place) for name, place in lowered.places.items()},
        "notes": [_PLAIN_TABLES, _PACKED_TABLES] if is_packed else [_PLAIN_TABLES],
    }
    return ExportedStep(program, manifest)


def make_step(
    config: TrainerConfig, vocabulary_sizes: Mapping[str, int], dense_width: int
) -> tuple[Dlrm, TrainStep]:
    """Makes the network and the step that `export_step` exports.

    Args:
      config: the variant.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the dense features; 0 where there is none.
    """
    packs = config.embedding_optimizer.name in _OF_NUMBERS
    tables = PackedTables if packs else EmbeddingTables
    network = make_dlrm(config, vocabulary_sizes, dense_width, tables)
    return network, TrainStep(network, config, NUM_STEPS, jit_compile=False)


def batch_specs(
    step: TrainStep, batch_size: int, num_ids: int, dense_width: int
) -> list[tf.TensorSpec]:
    """Returns what the program takes of a batch, in the order of `batch_inputs`.

    Args:
      step: whose batches they are.
      batch_size: rows of a batch.
      num_ids: the number of categorical features.
      dense_width: of the dense features.
    """
    dense = [tf.TensorSpec([batch_size, dense_width], tf.float32, DENSE)] if dense_width else []
    of_row = tf.TensorSpec([batch_size], tf.float32)
    teacher = [tf.TensorSpec.from_spec(of_row, TEACHER_LOGIT)] if step.has_teacher else []
    given = [
        tf.TensorSpec([batch_size, num_ids], tf.int32, CATEGORICAL),
        *dense,
        *teacher,
        tf.TensorSpec.from_spec(of_row, "label"),
        tf.TensorSpec.from_spec(of_row, "weight"),
    ]

    def rows(*inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return step.prepare(_batch(given, inputs))[0][ROWS]

    found = tf.function(rows, autograph=False).get_concrete_function(*given).structured_outputs
    prepared = [tf.TensorSpec(each.shape, each.dtype, ROWS) for each in found]
    return [*given, *prepared]


def batch_inputs(step: TrainStep, batch: Batch) -> list[tf.Tensor]:
    """Returns what the program takes of a batch: what the host knows of it, and the rows.

    Args:
      step: whose batch it is.
      batch: as `TrainStep` takes it.
    """
    features, label, weight = step.prepare(batch)
    given = [features[name] for name in (CATEGORICAL, DENSE, TEACHER_LOGIT) if name in features]
    return [*given, label, weight, *features[ROWS]]


def _batch(specs: Sequence[tf.TensorSpec], inputs: Sequence[tf.Tensor]) -> Batch:
    """What `TrainStep` takes, from what `batch_inputs` returns; the rows may be missing."""
    features: dict[str, Any] = {}
    rows = []
    for spec, value in zip(specs, inputs, strict=True):
        if spec.name == ROWS:
            rows.append(value)
        else:
            features[spec.name] = value
    label, weight = features.pop("label"), features.pop("weight")
    return {**features, **({ROWS: tuple(rows)} if rows else {})}, label, weight


def lower_step(step: TrainStep, specs: Sequence[tf.TensorSpec], variant: str) -> LoweredFunction:
    """Lowers a step; its first result is the loss.

    Args:
      step: made with `jit_compile=False`.
      specs: see `batch_specs`.
      variant: for messages.

    Raises:
      ExportError: if TensorFlow cannot lower an operation of it.
    """

    def run(*inputs: tf.Tensor) -> tf.Tensor:
        return step(_batch(specs, inputs))

    def variables() -> list[tf.Variable]:
        optimizers = (step.dense_optimizer, step.embedding_optimizer)
        return [*step.variables, *(v for optimizer in optimizers for v in optimizer.variables())]

    try:
        return lower(run, specs, variables)
    except LoweringError as error:
        raise ExportError(variant, error) from error


def _signature(lowered: LoweredFunction, tables: set[Any]) -> dict[str, Any]:
    """The arguments, the results and what they share, as the manifest names them."""
    arguments: list[dict[str, Any]] = []
    names: dict[str, int] = {}

    def add(name: str, kind: str, value: Any, is_table: bool = False) -> None:
        names[name] = names.get(name, 0) + 1
        unique = name if names[name] == 1 else f"{name}#{names[name]}"
        arguments.append({"name": unique, "kind": kind, **_shape(value), "is_table": is_table})

    for spec in lowered.specs:
        add(spec.name, "input", spec)
    for value in lowered.captured:
        if isinstance(value, tf.Variable):
            add(value.name.partition(":")[0], "variable", value, value.ref() in tables)
        else:
            add("constant", "constant", value)
    outputs = [{"name": "loss", "kind": "loss", "shape": [], "dtype": "float32"}]
    for argument in lowered.updated:
        fields = arguments[argument]
        outputs.append({key: fields[key] for key in ("name", "kind", "shape", "dtype")})
    return {
        "arguments": arguments,
        "outputs": outputs,
        "aliases": [list(pair) for pair in lowered.aliases],
    }


def _shape(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), "dtype": value.dtype.name}
