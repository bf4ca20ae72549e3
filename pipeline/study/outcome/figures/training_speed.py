"""Training time and throughput against the size of the dataset and of the batch."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name, plain_ticks
from pipeline.study.outcome.study import BASELINE, Run, Study, unique
from pipeline.study.outcome.style import MUTED, Mark, variant_marks
from pipeline.study.outcome.words import run_facts, short_count

KIND = "speed"
_DASHES = ("-", "--", ":", "-.")


class _Measure(NamedTuple):
    title: str
    of: Callable[[Run], float | None]


_MEASURES = (
    _Measure("training time of a pass, s", lambda run: run.seconds_per_pass),
    _Measure("examples/s", lambda run: run.train_examples_per_second),
)


def speed_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns one figure against train rows and one against batch sizes."""
    done = [run for run in study.runs if run.is_done]
    without = [run for run in done if run.method == BASELINE]
    by_batch = [r for r in done if r.method == BASELINE or r.method.endswith("batch_size")]
    return [
        _plot(study, without, "dataset", "train rows", lambda run: run.num_train_rows),
        _plot(study, by_batch, "batch_size", "batch size", lambda run: run.batch_size),
    ]


def _plot(
    study: Study,
    runs: Sequence[Run],
    name: str,
    x_title: str,
    x_of: Callable[[Run], float | None],
) -> Plot | LeftOut:
    title = f"Training time and throughput by {x_title}"
    if name == "batch_size":  # a batch size is a choice within one dataset: take the largest
        runs = _largest_with_several(runs, x_of)
    architectures = [
        a
        for a in unique(sorted(run.architecture for run in runs))
        if len({x_of(run) for run in runs if run.architecture == a} - {None}) > 1
    ]
    if not architectures:
        return LeftOut(KIND, title, f"all trainings of an architecture have the same {x_title}")
    runs = [run for run in runs if run.architecture in architectures]
    panels = [
        _panel(study, [r for r in runs if r.architecture == a], x_title, x_of, measure, a)
        for measure in _MEASURES
        for a in architectures
    ]
    marks = variant_marks(study.variants)
    legend = [marks[variant] for variant in unique(run.variant for run in runs)]
    if len(study.devices) > 1:
        legend += [Mark(d, MUTED, dash=_dash(study, d)) for d in study.devices]
    note = (
        "Medians over the seeds; trainings' evaluations and tracing are not in the time. "
        f"{run_facts(runs)}."
    )
    if name == "batch_size":
        note = f"Dataset {runs[0].dataset}. {note}"
    columns = len(architectures)
    return Plot(KIND, file_name(KIND, name), title, note, tuple(panels), columns, tuple(legend))


def _largest_with_several(
    runs: Sequence[Run], x_of: Callable[[Run], float | None]
) -> Sequence[Run]:
    for dataset in reversed(unique(run.dataset for run in runs)):
        own = [run for run in runs if run.dataset == dataset]
        if len({x_of(run) for run in own} - {None}) > 1:
            return own
    return runs


def _dash(study: Study, device: str) -> str:
    return _DASHES[study.devices.index(device) % len(_DASHES)]


def _panel(
    study: Study,
    runs: Sequence[Run],
    x_title: str,
    x_of: Callable[[Run], float | None],
    measure: _Measure,
    architecture: str,
) -> Panel:
    marks = variant_marks(study.variants)

    def draw(axes: Axes) -> None:
        for variant, device in unique((run.variant, run.device) for run in runs):
            found: dict[float, list[float]] = {}
            for run in runs:
                x, y = x_of(run), measure.of(run)
                if (run.variant, run.device) == (variant, device) and x and y:
                    found.setdefault(x, []).append(y)
            points = sorted((x, statistics.median(y)) for x, y in found.items())
            if points:
                mark = marks[variant]
                axes.plot(
                    *zip(*points, strict=True),
                    color=mark.color,
                    marker=mark.marker,
                    linestyle=_dash(study, device),
                )
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
        if measure is _MEASURES[0]:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter("{x:,.0f}")
        ticks = sorted({x for run in runs if (x := x_of(run))})
        if len(ticks) <= 5:
            axes.set_xticks(ticks, [short_count(tick) for tick in ticks])
        axes.set_xlabel(x_title)
        axes.set_ylabel(measure.title)

    return Panel(f"{architecture}, {measure.title.partition(',')[0]}", draw)
