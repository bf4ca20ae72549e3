"""The graph of the pipeline: the only place that wires steps, for every runner."""

from collections.abc import Mapping, Sequence
from itertools import chain

from tfx.components import Pusher, Trainer
from tfx.orchestration import pipeline
from tfx.proto import pusher_pb2, trainer_pb2
from tfx.types.channel import BaseChannel

from components.code_version import code_version
from components.evaluator.component import VariantEvaluator
from components.example_gen.component import ClickLogExampleGen
from components.example_validator.component import ClickLogExampleValidator
from components.schema_gen.component import ClickLogSchemaGen
from components.statistics_gen.component import ClickLogStatisticsGen
from components.trainer.config import TrainerConfig
from components.trainer.preflight.component import TrainerPreflight
from components.trainer.registry import trainer_sources
from components.trainer.tuning.component import TrainerTuner
from components.transform.component import ClickLogTransform
from pipeline.config import PipelineConfig
from pipeline.paths import PIPELINE_NAME
from pipeline.step_ids import trainer_id
from schemas.click_log import EVAL_SPLIT, TRAIN_SPLIT

_RUN_FN = "components.trainer.run_fn.run_fn"


def create_pipeline(
    config: PipelineConfig,
    data: str,
    pipeline_root: str,
    serving_model_dir: str | None,
    **runner_options: object,
) -> pipeline.Pipeline:
    """Wires the steps from raw click logs to the pushed model.

    Args:
      config: of all steps.
      data: pattern of the raw click logs.
      pipeline_root: folder of the artifacts.
      serving_model_dir: folder that the chosen model is pushed to; None leaves Pusher out.
      **runner_options: further arguments of `tfx.orchestration.pipeline.Pipeline`, such as
        `metadata_connection_config` and `beam_pipeline_args`.

    Returns:
      the pipeline; its steps in topological order.
    """
    click_log = config.click_log
    example_gen = ClickLogExampleGen(data, click_log, config.example_gen).with_id("ExampleGen")
    examples = example_gen.outputs["examples"]
    statistics_gen = ClickLogStatisticsGen(examples).with_id("StatisticsGen")
    schema_gen = ClickLogSchemaGen(click_log).with_id("SchemaGen")
    schema = schema_gen.outputs["schema"]
    validator = ClickLogExampleValidator(
        statistics_gen.outputs["statistics"], schema, config.example_validator
    ).with_id("ExampleValidator")
    transform = ClickLogTransform(examples, schema, click_log, config.transform).with_id(
        "Transform"
    )
    # An anomaly stops the run before anything is learned from the rows.
    transform.add_upstream_node(validator)
    transformed_examples = transform.outputs["transformed_examples"]
    transform_graph = transform.outputs["transform_graph"]
    steps = [example_gen, statistics_gen, schema_gen, validator, transform]
    preflight_config = config.preflight_config()
    preflight = None
    if preflight_config is not None:
        preflight = TrainerPreflight(transform_graph, config.trainers(), preflight_config)
        preflight.add_upstream_node(validator)
        steps.append(preflight)
    hyperparameters = None
    if config.tuner is not None:
        tuner = TrainerTuner(
            transformed_examples, transform_graph, config.tuned_trainer(), config.tuner
        )
        if preflight is not None:
            tuner.add_upstream_node(preflight)
        hyperparameters = tuner.outputs["best_hyperparameters"]
        steps.append(tuner)
    trainers = {
        name: [
            _trainer(
                replica,
                index,
                transformed_examples,
                transform_graph,
                hyperparameters,
                own_fields=sorted(config.variants[name]),
            )
            for index, replica in enumerate(config.replicas(trainer_config))
        ]
        for name, trainer_config in config.trainers().items()
    }
    if preflight is not None:
        # What does not compile or fit stops the run before anything is trained.
        for trainer in chain(*trainers.values()):
            trainer.add_upstream_node(preflight)
    evaluator = VariantEvaluator(
        examples=examples,
        transformed_examples=transformed_examples,
        transform_graph=transform_graph,
        models=_outputs(trainers, "model"),
        model_runs=_outputs(trainers, "model_run"),
        config=config.evaluator,
        preflight=None if preflight is None else preflight.outputs["preflight"],
    )
    steps += [*chain(*trainers.values()), evaluator]
    if serving_model_dir is not None:
        steps.append(_pusher(evaluator, serving_model_dir))
    return pipeline.Pipeline(
        pipeline_name=PIPELINE_NAME,
        pipeline_root=pipeline_root,
        components=steps,
        enable_cache=True,
        **runner_options,
    )


def _pusher(evaluator: VariantEvaluator, serving_model_dir: str) -> Pusher:
    return Pusher(
        model=evaluator.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_model_dir)
        ),
    )


def _outputs(trainers: Mapping[str, Sequence[Trainer]], key: str) -> dict[str, list[BaseChannel]]:
    """Returns variant -> an output of each of its trainers."""
    return {name: [each.outputs[key] for each in own] for name, own in trainers.items()}


def _trainer(
    config: TrainerConfig,
    index: int,
    transformed_examples: BaseChannel,
    transform_graph: BaseChannel,
    hyperparameters: BaseChannel | None,
    own_fields: list[str],
) -> Trainer:
    """One replica's trainer; an edit of another variant's embedding leaves it cached.

    Args:
      config: of the variant, with the replica's seed.
      index: of the replica.
      transformed_examples: to train on.
      transform_graph: that transformed them.
      hyperparameters: what the tuner found; None without one.
      own_fields: those of the configuration that only this variant sets; what was found leaves
        them alone.
    """
    version = code_version(trainer_sources(config.methods))
    custom_config: dict[str, object] = {"config": config.to_json(), "code_version": version}
    if hyperparameters is not None:
        custom_config["own_fields"] = own_fields
    return Trainer(
        run_fn=_RUN_FN,
        examples=transformed_examples,
        transform_graph=transform_graph,
        hyperparameters=hyperparameters,
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN_SPLIT]),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL_SPLIT]),
        custom_config=custom_config,
    ).with_id(trainer_id(config.variant, index))
