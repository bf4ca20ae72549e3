"""All figures of a study, in the order of the page."""

from collections.abc import Iterator

from pipeline.study.outcome.figures.convergence_curves import convergence_plots
from pipeline.study.outcome.figures.final_quality import final_plots
from pipeline.study.outcome.figures.method_effects import method_plots
from pipeline.study.outcome.figures.pareto_fronts import pareto_plots
from pipeline.study.outcome.figures.quality_targets import target_plots
from pipeline.study.outcome.figures.scaling_laws import scaling_plots
from pipeline.study.outcome.figures.training_speed import speed_plots
from pipeline.study.outcome.figures.tuning_curves import tuning_plots
from pipeline.study.outcome.plot import LeftOut, Plot
from pipeline.study.outcome.study import Study

SECTIONS = {
    "final": "Final performance",
    "methods": "What the methods change",
    "pareto": "Quality against bytes",
    "scaling": "Scaling with train rows",
    "speed": "Training time and throughput",
    "target": "Time to target quality",
    "tuning": "Hyperparameters",
    "convergence": "Convergence",
}
_PLOTS = (
    final_plots,
    method_plots,
    pareto_plots,
    scaling_plots,
    speed_plots,
    target_plots,
    tuning_plots,
    convergence_plots,
)


def all_plots(study: Study) -> Iterator[Plot | LeftOut]:
    """Yields each figure, or why it is left out."""
    for plots in _PLOTS:
        yield from plots(study)
