"""Configuration of a trainer."""

import math
from typing import Annotated, Literal

from pydantic import ByteSize, Field, ValidationError, field_validator, model_validator

from components.trainer.curriculum_config import CurriculumConfig
from components.trainer.distillation_config import DistillationConfig
from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.initialization_config import InitializationConfig
from components.trainer.loop.stopping_config import EarlyStoppingConfig, ReduceOnPlateauConfig
from components.trainer.loss_config import LossConfig
from components.trainer.optimizer_config import DenseOptimizerConfig, EmbeddingOptimizerConfig
from components.trainer.tpu_config import TpuConfig
from schemas.click_log import LABEL, WEIGHT
from schemas.predictions import ROW_ID
from schemas.step_config import StepConfig

Width = Annotated[int, Field(ge=1, le=65_536)]
DeviceKind = Literal["auto", "cpu", "gpu", "multi_gpu", "multi_worker", "tpu"]


class TrainerConfig(StepConfig):
    """One DLRM variant and how it is trained.

    Attributes:
      variant: the name that the variant and its column of predictions have in the comparison.
      embedding: how the large tables are approximated.
      embeddings: feature -> how its table is approximated, whatever its size.
      min_table_rows: other features with fewer ids than this keep a full table: there is nothing to
        save.
      compression_ratio: how many times smaller all embeddings together shall be than full float32
        tables, as they are served. It sets the option of this name of all methods, alike. None
        leaves them.
      embedding_bytes: the same goal as a size, a number or a text such as `"5MB"`.
      embedding_dim: the width of every embedding vector and of the bottom MLP's output.
      embedding_dims: feature -> the width of its rows, where that is not `embedding_dim`: a learned
        matrix without bias makes vectors of width `embedding_dim` of them (mixed dimensions;
        Ginart et al. 2019, section 3).
      interaction: how the vectors of a row meet: `"dot"` by dot products of all pairs (DLRM,
        Naumov et al. 2019), `"cross"` by cross layers (DLRM-DCNv2; Wang et al. 2021, "DCN V2").
      num_cross_layers: of `"cross"`; `"dot"` ignores it.
      cross_projection_dim: the rank of the cross layers' matrices; None is full. `"dot"` ignores
        it.
      wide: whether a linear function of all features is added to the logit (Cheng et al. 2016,
        "Wide & Deep"); it has one weight for each id, whatever the method.
      ensemble_size: how many such networks are trained at once, each with weights of its own; the
        probability is the mean of theirs (Lakshminarayanan et al. 2017, "Simple and Scalable
        Predictive Uncertainty Estimation using Deep Ensembles", section 2.4).
      bottom_mlp: the widths of the hidden layers over the dense features.
      top_mlp: the widths of the hidden layers over the interactions.
      initialization: what tables and MLPs start with.
      loss: what is trained; the evaluations have the logloss whatever it is.
      distillation: how much a network learns from the predictions of a larger one.
      dense_optimizer: of everything but the tables.
      embedding_optimizer: of the tables.
      gradient_clip_norm: the largest norm of all gradients of a step together; longer ones are
        shortened to it (Pascanu et al. 2013). The gradient of a row counts once for each time that
        it is looked up. None: any.
      precision: of the arithmetic between lookup and loss: `"mixed_bfloat16"` multiplies matrices
        in bfloat16; all variables stay float32.
      batch_size: rows a step.
      epochs: passes over the train split. One is usual for click logs: DLRM overfits in the
        second, because it knows the ids of the rows by then.
      reset_tables: whether the embedding tables start anew at each epoch but the first, so that
        the rest of the network sees the rows as it will see new ones: several epochs without that
        overfitting (MEDA; Liu et al. 2023, "Multi-Epoch Learning for Deep Click-Through Rate
        Prediction Models").
      device: where: `"cpu"`; `"gpu"`, the first one; `"multi_gpu"`, all of this machine, each with
        a copy of the network and its part of every batch; `"multi_worker"`, the same over several
        machines, which the environment variable TF_CONFIG names; `"tpu"`; `"auto"`, the best that
        TensorFlow sees on this machine. Losses and weights are those of a single device.
      steps_per_execution: at most so many steps run between two that Python sees.
      tpu: what only TPUs heed.
      seed: of the weights and of the order of the rows.
      shuffle_window_rows: how many rows are held in memory and shuffled together.
      curriculum: which rows come first.
      validation_fraction: the share of the train split, its last rows in the order of the files,
        that is not trained on but evaluated to decide when to stop and when to lower the learning
        rates. The eval split is never used for that: the variants are judged by it.
      evals_per_epoch: how often the logloss and other figures are computed while training, evenly
        over an epoch: on the validation rows; if there are none, on the eval split, which decides
        nothing then.
      train_eval_rows: the same figures are computed on up to so many rows that are trained on: what
        of them is better than on the other rows is overfitting. 0: none.
      early_stopping: when a training ends before its last step.
      reduce_on_plateau: when the learning rates are lowered.
      checkpoint_steps: after so many steps, and again after as many more, all that a killed
        training needs to go on is written to disk. 0: only `checkpoint_seconds` counts.
      checkpoint_seconds: the same by the clock; 0: only `checkpoint_steps` counts. Ignored if
        `device` is `"multi_worker"`: the workers write together, and their clocks differ.
      profile_steps: of so many steps, from the 11th on, a profiler trace is written beside the
        other logs. 0: none.
      negative_sampling_rate: the share of the rows without a click that ExampleGen kept for
        training. The exported model predicts for the log as it was.
      negative_sampling_correction: how: `"logit"` adds log(rate) to the served logit, which is
        q = p / (p + (1 - p) / rate) (He et al. 2014, section 6.3); `"weight"` trains with weight
        1 / rate on the rows without a click.
    """

    variant: str = Field(default="full", pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    embedding: EmbeddingConfig = Field(default_factory=EmbeddingConfig)
    embeddings: dict[str, EmbeddingConfig] = Field(default_factory=dict)
    min_table_rows: int = Field(default=200, ge=1)
    compression_ratio: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    embedding_bytes: ByteSize | None = Field(default=None, gt=0)
    embedding_dim: Width = 16
    embedding_dims: dict[str, Width] = Field(default_factory=dict)
    interaction: Literal["dot", "cross"] = "dot"
    num_cross_layers: int = Field(default=3, ge=1, le=64)
    cross_projection_dim: Width | None = None
    wide: bool = False
    ensemble_size: int = Field(default=1, ge=1, le=64)
    bottom_mlp: tuple[Width, ...] = (64, 32)
    top_mlp: tuple[Width, ...] = (256, 64)
    initialization: InitializationConfig = Field(default_factory=InitializationConfig)
    loss: LossConfig = Field(default_factory=LossConfig)
    distillation: DistillationConfig = Field(default_factory=DistillationConfig)
    dense_optimizer: DenseOptimizerConfig = Field(default_factory=DenseOptimizerConfig)
    embedding_optimizer: EmbeddingOptimizerConfig = Field(default_factory=EmbeddingOptimizerConfig)
    gradient_clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    batch_size: int = Field(default=128, ge=1)
    epochs: int = Field(default=1, ge=1)
    reset_tables: bool = False
    device: DeviceKind = "auto"
    steps_per_execution: int = Field(default=32, ge=1)
    tpu: TpuConfig = Field(default_factory=TpuConfig)
    seed: int = Field(default=0, ge=0, lt=2**31)
    shuffle_window_rows: int = Field(default=1_000_000, ge=1)
    curriculum: CurriculumConfig = Field(default_factory=CurriculumConfig)
    validation_fraction: float = Field(default=0.0, ge=0, le=0.5)
    evals_per_epoch: int = Field(default=0, ge=0)
    train_eval_rows: int = Field(default=0, ge=0)
    early_stopping: EarlyStoppingConfig = Field(default_factory=EarlyStoppingConfig)
    reduce_on_plateau: ReduceOnPlateauConfig = Field(default_factory=ReduceOnPlateauConfig)
    checkpoint_steps: int = Field(default=0, ge=0)
    checkpoint_seconds: float = Field(default=900.0, ge=0, allow_inf_nan=False)
    profile_steps: int = Field(default=0, ge=0)
    negative_sampling_rate: float = Field(default=1.0, gt=0, le=1)
    negative_sampling_correction: Literal["logit", "weight"] = "logit"

    @property
    def served_logit_offset(self) -> float:
        """What is added to a logit of the network before it is served."""
        if self.negative_sampling_correction == "weight":
            return 0.0
        return math.log(self.negative_sampling_rate)

    @property
    def negative_weight(self) -> float:
        """What the weight of a row without a click is multiplied by in the loss."""
        if self.negative_sampling_correction == "weight":
            return 1.0 / self.negative_sampling_rate
        return 1.0

    @field_validator("variant")
    @classmethod
    def _is_no_other_column(cls, variant: str) -> str:
        if variant in (LABEL, WEIGHT, ROW_ID):
            raise ValueError(
                f"expected another name than {variant!r}: a variant's predictions are a column of "
                f"its name, and {LABEL}, {WEIGHT} and {ROW_ID} stand beside them"
            )
        return variant

    @model_validator(mode="after")
    def _decisions_have_validation_rows(self) -> "TrainerConfig":
        for field in ("early_stopping", "reduce_on_plateau"):
            if not getattr(self, field).patience:
                continue
            for needed in ("validation_fraction", "evals_per_epoch"):
                if not getattr(self, needed):
                    raise ValueError(
                        f"{field}.patience needs {needed} above 0: the eval split that variants "
                        "are judged by must not decide when a training stops"
                    )
        return self

    @model_validator(mode="after")
    def _train_rows_have_evaluations(self) -> "TrainerConfig":
        if self.train_eval_rows and not self.evals_per_epoch:
            raise ValueError(
                "train_eval_rows needs evals_per_epoch above 0, received "
                f"{self.train_eval_rows} rows and no evaluation"
            )
        return self

    @model_validator(mode="after")
    def _tpus_have_the_optimizer(self) -> "TrainerConfig":
        if self.device == "tpu":
            self.tpu.check_optimizer(self.embedding_optimizer)
            if self.reset_tables:
                raise ValueError("reset_tables: expected false if device is tpu, received true")
        return self

    @model_validator(mode="after")
    def _teacher_can_be_trained(self) -> "TrainerConfig":
        if not self.distillation.weight:
            return self
        if self.device in ("tpu", "multi_worker"):
            raise ValueError(f"distillation.weight: expected 0 if device is {self.device}")
        try:
            self.teacher_config()
        except ValidationError as error:
            found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ValueError(f"distillation.teacher: {'; '.join(found)}") from error
        return self

    @model_validator(mode="after")
    def _options_suit_the_widths(self) -> "TrainerConfig":
        for feature, dim in {"": self.embedding_dim, **self.embedding_dims}.items():
            field = f"embedding_dims.{feature}" if feature else "embedding_dim"
            for section, embedding in self._sections(feature).items():
                try:
                    embedding.check_embedding_dim(dim)
                except ValueError as error:
                    raise ValueError(f"{field} with {section}: {error}") from error
        return self

    def _sections(self, feature: str) -> dict[str, EmbeddingConfig]:
        """Of a feature, or of those that have the common width."""
        if feature in self.embeddings:
            return {f"embeddings.{feature}": self.embeddings[feature]}
        if feature:
            return {"embedding": self.embedding}
        others = self.embeddings.items()
        own = {f"embeddings.{name}": e for name, e in others if name not in self.embedding_dims}
        return {"embedding": self.embedding, **own}

    @model_validator(mode="after")
    def _has_one_size_at_most(self) -> "TrainerConfig":
        if self.compression_ratio is not None and self.embedding_bytes is not None:
            raise ValueError("expected compression_ratio or embedding_bytes, received both")
        return self

    def teacher_config(self) -> "TrainerConfig":
        """Returns the configuration of the teacher, for a `distillation.weight` above 0."""
        return TrainerConfig.model_validate(self.distillation.teacher_fields(self.model_dump()))

    @property
    def methods(self) -> list[str]:
        """The names of all embedding methods, those of its teacher among them."""
        stacks = [self.embedding, *self.embeddings.values()]
        names = {name for stack in stacks for name in stack.names}
        if self.distillation.weight:
            names.update(self.teacher_config().methods)
        return sorted(names)
