"""Parts of a study's result, by hand."""

from components.evaluator.comparison import Comparison, DataFacts, VariantResult
from components.evaluator.metric_result import Estimate, MetricResult
from components.training_record import EvalPoint, TrainingRecord
from pipeline.study.config import StudyConfig
from pipeline.study.grid import make_groups
from pipeline.study.journal import Timing

STUDY = StudyConfig(
    preset="tiny",
    datasets=["1MB"],
    variants={"full": {}, "hashing": {"embedding": {"method": "hashing"}}},
    methods={"sampling": {"example_gen.negative_sampling_rate": [0.5]}},
    devices=["cpu", "gpu"],
    seeds=2,
)


def groups():
    """The group of the baseline and that of the sampling method; each cell on two devices."""
    return make_groups(STUDY, "x")


def record(variant, seed, seconds=2.0, **changes):
    """A training of 100 rows, two epochs, an evaluation after each."""
    points = (
        EvalPoint(step=1, examples=100, train_seconds=seconds / 2, logloss=0.6),
        EvalPoint(
            step=2,
            examples=200,
            train_seconds=seconds,
            logloss=0.5,
            metrics={"auc_roc": 0.7, "accuracy": 0.75, "recall": 0.25},
            train_metrics={"logloss": 0.4, "auc_roc": 0.8},
        ),
    )
    values = {
        "variant": variant,
        "method": "full",
        "seed": seed,
        "config": {},
        "num_parameters": 1000,
        "embedding_bytes": 4000,
        "train_rows": 100,
        "eval_rows": 25,
        "eval_logloss": 0.5,
        "export_seconds": 1.0,
        "train_steps": 2,
        "trace_seconds": 1.0,
        "train_seconds": seconds,
        "train_examples_per_second": 200 / seconds,
        "final_train_loss": 0.4,
        "eval_curve": points,
        "eval_curve_rows": "eval",
    }
    return TrainingRecord(**{**values, **changes})


def timing(cell, seed_index, group="1MB"):
    """One of two trainings at once, with half a core."""
    return Timing(
        group=group,
        cell=cell.name,
        seed_index=seed_index,
        architecture=cell.architecture,
        variant=cell.variant,
        device=cell.device,
        num_cores=0.5,
        parallel=2,
        examples=200,
        train_examples_per_second=100,
        seconds=9.0,
    )


def metric(value, difference=None, adjusted=None):
    """A metric whose intervals reach 0.25 to both sides."""
    return MetricResult(
        estimate=_estimate(value),
        difference=None if difference is None else _estimate(difference),
        p_value=adjusted,
        adjusted_p_value=adjusted,
        sampling_error=0.1,
    )


def comparison(baseline, metrics):
    """A comparison of variants by metrics alone."""
    facts = DataFacts(
        num_train_rows=100,
        num_eval_rows=25,
        num_eval_clicks=5,
        vocabulary_sizes={},
        num_dense_features=13,
    )
    variants = tuple(
        VariantResult(name=name, seeds=(0, 1), metrics=found, costs={})
        for name, found in metrics.items()
    )
    return Comparison(
        baseline=baseline,
        chosen=None,
        reason="",
        objective="embedding_bytes",
        confidence=0.95,
        num_resamples=100,
        threshold=0.5,
        data=facts,
        best_auc_roc=0.9,
        variants=variants,
    )


def _estimate(value):
    return Estimate(value=value, standard_error=0.1, low=value - 0.25, high=value + 0.25)
