"""The configuration of a whole run: one section a step, and the variants to compare."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, check_baseline
from components.example_gen.config import ExampleGenConfig
from components.example_validator.config import GuardConfig
from components.synthetic.click_log import SyntheticConfig
from components.trainer.config import TrainerConfig
from components.trainer.preflight.config import PreflightConfig
from components.trainer.tuning.config import TunerConfig
from components.transform.config import TransformConfig
from pipeline.config_errors import describe
from pipeline.vertex.config import VertexConfig
from schemas.click_log import ClickLog
from schemas.step_config import StepConfig

_DERIVED_TRAINER_FIELDS = {
    "variant": "a variant's name is its key in `variants`",
    "negative_sampling_rate": "it is example_gen.negative_sampling_rate",
}


class PipelineConfig(StepConfig):
    """Everything that a run depends on besides its data.

    Attributes:
      click_log: the layout of the raw rows.
      synthetic: the generated click log that stands in where no data is given.
      example_gen: reading, selecting and splitting.
      example_validator: what stops a run before anything is learned from the rows.
      transform: preprocessing.
      trainer: `TrainerConfig` fields that all variants share.
      variants: name -> the `TrainerConfig` fields of one variant, which win over `trainer` and over
        what the tuner found.
      preflight: for which TPUs the trainers are compiled before they start; None: for v5e where one
        trains on a TPU, else the step is left out.
      tuner: the search for good values of `trainer`; None leaves that step out.
      seeds: how many replicas of each variant are trained, each with a seed of its own: the
        trainer's, the next one and so on. With two or more the comparison tells what comes from
        the seed apart from what comes from the eval rows.
      evaluator: comparison and choice.
      vertex: machines and accounts of a run on Vertex AI; a local run does not heed it.
    """

    click_log: ClickLog
    synthetic: SyntheticConfig
    example_gen: ExampleGenConfig = Field(default_factory=ExampleGenConfig)
    example_validator: GuardConfig = Field(default_factory=GuardConfig)
    transform: TransformConfig = Field(default_factory=TransformConfig)
    trainer: dict[str, Any] = Field(default_factory=dict)
    variants: dict[str, dict[str, Any]] = Field(min_length=1)
    preflight: PreflightConfig | None = None
    tuner: TunerConfig | None = None
    seeds: int = Field(default=1, ge=1, le=100)
    evaluator: EvaluatorConfig = Field(default_factory=EvaluatorConfig)
    vertex: VertexConfig = Field(default_factory=VertexConfig)

    @model_validator(mode="after")
    def _check_the_parts_together(self) -> "PipelineConfig":
        self.transform.check_columns(self.click_log)
        self.example_validator.check_columns(self.click_log)
        self.trainers()
        check_baseline(self.evaluator, self.variants)
        self._check_target_is_reachable()
        log = self.click_log
        self.evaluator.slices.check_columns((*log.dense_features, *log.categorical_features))
        self._check_machines()
        self._check_batch_size_suits_the_chips()
        if self.tuner is not None:
            self.tuner.check_fields(self.tuned_trainer())
        return self

    def trainers(self) -> dict[str, TrainerConfig]:
        """Returns variant name -> the configuration of its trainer.

        Raises:
          ValueError: if a field is unknown or a value is not allowed; names variant and field.
        """
        trainers = {}
        for name, fields in self.variants.items():
            values = {**self.trainer, **fields}
            for field, source in _DERIVED_TRAINER_FIELDS.items():
                if field in values:
                    raise ValueError(f"trainer.{field} cannot be set: {source}")
            rate = self.example_gen.negative_sampling_rate
            try:
                trainers[name] = TrainerConfig(variant=name, negative_sampling_rate=rate, **values)
            except ValidationError as error:
                problem = describe(error, TrainerConfig)
                raise ValueError(f"variants.{name} with trainer: {problem}") from error
        return trainers

    def preflight_config(self) -> PreflightConfig | None:
        """Returns what the trainers are compiled for before they start; None: there is no step."""
        if self.preflight is not None:
            return self.preflight if self.preflight.enabled else None
        on_tpu = any(trainer.device == "tpu" for trainer in self.trainers().values())
        return PreflightConfig() if on_tpu else None

    def _check_batch_size_suits_the_chips(self) -> None:
        preflight = self.preflight_config()
        if preflight is None:
            return
        for name, trainer in self.trainers().items():
            rows = preflight.batch_size or trainer.batch_size
            if rows % preflight.num_chips:
                raise ValueError(
                    f"preflight.num_chips: expected a divisor of the batch of variant {name}, "
                    f"{rows} rows; received {preflight.num_chips}"
                )

    def _check_target_is_reachable(self) -> None:
        needed = {self.evaluator.objective, *(each.measure for each in self.evaluator.limits())}
        if "seconds_to_target" not in needed:
            return
        trainers = self.trainers()
        fractions = sorted({trainer.validation_fraction for trainer in trainers.values()})
        if len(fractions) > 1:
            raise ValueError(
                "evaluator: seconds_to_target needs one trainer.validation_fraction, so that all "
                f"variants are evaluated on the same rows; received {fractions}"
            )
        for name, trainer in trainers.items():
            if not trainer.evals_per_epoch:
                raise ValueError(
                    "evaluator: seconds_to_target needs trainer.evals_per_epoch above 0; variant "
                    f"{name} has 0"
                )

    def _check_machines(self) -> None:
        unknown = sorted(set(self.vertex.trainers) - set(self.variants))
        if unknown:
            known = ", ".join(self.variants)
            raise ValueError(
                f"vertex.trainers: expected compared variants ({known}), received {unknown[0]!r}"
            )

    def replicas(self, trainer: TrainerConfig) -> list[TrainerConfig]:
        """Returns a variant's configuration once for each seed."""
        return [
            trainer.model_copy(update={"seed": trainer.seed + index}) for index in range(self.seeds)
        ]

    def tuned_trainer(self) -> TrainerConfig:
        """Returns the configuration that the tuner starts from; there must be a tuner.

        Raises:
          ValueError: if its variant is none of those that are compared.
        """
        assert self.tuner is not None
        name = self.tuner.variant or self.evaluator.baseline
        if name not in self.variants:
            known = ", ".join(self.variants)
            raise ValueError(
                f"tuner.variant: expected one of the compared variants {known}; received {name!r}"
            )
        return self.trainers()[name]


def make_config(values: Mapping[str, Any], source: str) -> PipelineConfig:
    """Checks values.

    Args:
      values: section -> its fields.
      source: where they come from, for messages.

    Raises:
      InputError: if a field is unknown or a value not allowed.
    """
    try:
        return PipelineConfig.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{source}: {describe(error, PipelineConfig)}") from error
