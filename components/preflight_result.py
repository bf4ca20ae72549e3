"""What a preflight found: the schema of `preflight.json`."""

from typing import Literal

from pydantic import Field

from components.quantities import significant
from schemas.step_config import StepConfig

Outcome = Literal[
    "compiles", "does_not_export", "does_not_compile", "does_not_fit", "compiler_died"
]
Spread = Literal["batch", "rows"]
FILE_NAME = "preflight.json"


class ChipFacts(StepConfig):
    """The figures of a chip that were used; see `components/trainer/preflight/chips.py`.

    Attributes:
      device: what one program runs on.
      hbm_bytes: what the compiler lets it have of the high bandwidth memory.
      peak_flops: a second, in bfloat16.
      hbm_bytes_per_second: read and written together.
      source: of the figures.
    """

    device: str
    hbm_bytes: int
    peak_flops: float
    hbm_bytes_per_second: float
    source: str


class Model(StepConfig):
    """What the variants have in common.

    Attributes:
      source: where the numbers of ids come from.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the dense features.
      embedding_dim: the width of a vector.
    """

    source: str
    vocabulary_sizes: dict[str, int]
    dense_width: int
    embedding_dim: int

    @property
    def total_rows(self) -> int:
        """The ids of all features."""
        return sum(self.vocabulary_sizes.values())


class Place(StepConfig):
    """Where in the model something comes from; empty texts where that is not known.

    Attributes:
      operation: TensorFlow's name of the operation.
      layer: the part of the model that made it.
      file: the source file and line.
    """

    operation: str = ""
    layer: str = ""
    file: str = ""


class Cause(StepConfig):
    """Why a program is not compiled.

    Attributes:
      place: the operation.
      message: what TensorFlow or the compiler says, its first lines.
      cure: what usually helps.
    """

    place: Place = Field(default_factory=Place)
    message: str
    cure: str


class Memory(StepConfig):
    """Bytes in the high bandwidth memory of one device.

    Attributes:
      arguments_bytes: inputs, variables and constants.
      outputs_bytes: what is given back, the new variables among it.
      aliased_bytes: of the outputs, what takes the place of an argument.
      temporaries_bytes: between them.
      code_bytes: the program itself.
      total_bytes: all, the aliased ones once.
      available_bytes: what a program may have.
      not_aliased: large variables whose new values do not take the place of the old ones.
    """

    arguments_bytes: int
    outputs_bytes: int
    aliased_bytes: int
    temporaries_bytes: int
    code_bytes: int
    total_bytes: int
    available_bytes: int
    not_aliased: tuple[str, ...] = ()


class Work(StepConfig):
    """What a step has to do.

    Attributes:
      flops: by the compiler's cost analysis; None if that made no sense.
      bytes_accessed: likewise. It counts buffers on the chip, too, and whole tables where rows of
        them are meant: not the traffic of the memory.
      matmul_flops: of the matrix products, counted in the program.
      moved_bytes: what the program surely reads and writes in the high bandwidth memory.
      lower_bound_seconds: no step can be faster on this chip: the larger one of `matmul_flops`
        at its peak and `moved_bytes` at its bandwidth. Not a forecast.
      bound_by: which of the two it is.
      left_out: a word on each figure that is None.
    """

    flops: float | None
    bytes_accessed: float | None
    matmul_flops: float
    moved_bytes: int
    lower_bound_seconds: float
    bound_by: Literal["flops", "bytes"]
    left_out: tuple[str, ...] = ()


class Finding(StepConfig):
    """Something that is known to be slow, or wasteful.

    Attributes:
      kind: what it is.
      count: how often.
      bytes: what it moves or wastes in a step; 0 where that is not the point.
      cost: what it costs, one line.
      cure: what helps, one line.
      place: where the first one comes from.
    """

    kind: Literal[
        "table_copy",
        "scatter",
        "padding",
        "float64",
        "int64_division",
        "dynamic_shape",
        "host_transfer",
    ]
    count: int
    bytes: int = 0
    cost: str
    cure: str
    place: Place = Field(default_factory=Place)


class Collective(StepConfig):
    """What devices send each other.

    Attributes:
      operation: such as `"all-reduce"`.
      count: how often a step does it.
      bytes: of the results, on one device.
    """

    operation: str
    count: int
    bytes: int


class LargestBatch(StepConfig):
    """How many rows a step can take.

    Attributes:
      fits: the largest batch that was seen to fit; None if not even the smallest tried one did.
      does_not_fit: the smallest batch that was seen not to fit; None if all tried ones did.
      estimate: where all tried ones fit, the largest that should, if the memory goes on growing as
        between two of them; None if that is not known.
      num_compiles: how many compiles it took.
    """

    fits: int | None
    does_not_fit: int | None
    estimate: int | None = None
    num_compiles: int

    @property
    def text(self) -> str:
        """What fits; where all that were tried do, `16,384+ (~230,000)`; `none`."""
        if self.fits is None:
            return "none"
        plus = "+" if self.does_not_fit is None else ""
        about = f" (~{significant(float(f'{self.estimate:.2g}'))})" if self.estimate else ""
        return f"{self.fits:,}{plus}{about}"


class Cell(StepConfig):
    """A variant on a chip.

    Attributes:
      variant: its name.
      chip: likewise.
      batch_size: rows a step, over all devices.
      outcome: what came of it.
      compile_seconds: how long the compiler took; None if it did not finish.
      cause: why it is not compiled; None if it is.
      memory: None if it is not compiled.
      work: likewise.
      findings: those of one kind together.
      collectives: empty on one device.
      largest_batch: None if it was not looked for.
    """

    variant: str
    chip: str
    batch_size: int
    outcome: Outcome
    compile_seconds: float | None = None
    cause: Cause | None = None
    memory: Memory | None = None
    work: Work | None = None
    findings: tuple[Finding, ...] = ()
    collectives: tuple[Collective, ...] = ()
    largest_batch: LargestBatch | None = None


class PreflightResult(StepConfig):
    """All of it.

    Attributes:
      format: of this file.
      created: when, ISO 8601 in UTC.
      versions: package -> version of what exported and compiled.
      skipped: why nothing was compiled; empty if it was.
      num_chips: over how many devices a step is spread.
      spread: what lies in parts on them: the `batch` alone, or the `rows` of the tables too.
      model: what the variants have in common.
      chips: name -> figures.
      cells: every variant on every chip, as far as the preflight has come.
    """

    format: Literal[1] = 1
    created: str
    versions: dict[str, str]
    skipped: str = ""
    num_chips: int
    spread: Spread = "batch"
    model: Model
    chips: dict[str, ChipFacts]
    cells: tuple[Cell, ...]
