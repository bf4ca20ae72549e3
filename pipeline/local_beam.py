"""Beam on this machine: the DirectRunner in this process, with threads where they help."""

import os

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.orchestration.pipeline import Pipeline

# Their time goes to Arrow, NumPy and TensorFlow, which let go of Python's lock. TFDV is Python,
# gains nothing and would hold more memory.
THREADED_STEPS = ("ExampleGen", "Transform", "Evaluator")


def use_all_cores(pipeline: Pipeline) -> None:
    """Gives the steps that gain from it a thread for each core, in place.

    The results are the same with any number of threads.
    """
    num_cores = len(os.sched_getaffinity(0))
    if num_cores == 1:
        return
    for step in pipeline.components:
        if isinstance(step, BaseBeamComponent) and step.id in THREADED_STEPS:
            step.with_beam_pipeline_args(thread_arguments(num_cores))


def thread_arguments(num_threads: int) -> list[str]:
    """Returns what makes Beam run a step in threads of its own process; 0 is one for each core."""
    return [
        "--direct_running_mode=multi_threading",
        f"--direct_num_workers={num_threads}",
        # Any value: else TFX packs itself for remote workers, which takes a second.
        "--sdk_container_image=unused",
    ]
