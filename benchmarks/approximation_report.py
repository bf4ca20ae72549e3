"""Tables and the picture of what `benchmarks.approximation_quality` has measured.

    python -m benchmarks.approximation_report "generated rows=runs/a" "real rows=runs/b" \
      --markdown TABLE.md --picture PICTURE.svg

A difference is that of the means over the seeds. Its 95 % interval is what the pipeline's
Evaluator has of the rows alone (500 resamples of a paired bootstrap): it tells how the figure would
change with other rows, not with other seeds. The range over the seeds stands beside it.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from benchmarks.approximation_quality import Cell
from components.evaluator.config import EvaluatorConfig
from components.evaluator.metric_result import MetricResult
from components.evaluator.predict import write_predicted
from components.evaluator.statistics.quality import Quality, measure_quality
from schemas.click_log import LABEL
from schemas.predictions import ROW_ID

_BASELINE = "full"
_FAMILIES = {
    "controls": ("frequency_threshold", "smaller_dim"),
    "shared rows": (
        "hashing",
        "multi_hash",
        "quotient_remainder",
        "unified",
        "robe",
        "hot_cold",
        "cafe",
        "clustered_compositional",
    ),
    "narrow, factored, coded": (
        "low_rank",
        "mixed_dimension",
        "multi_layer",
        "tensor_train",
        "product_quantized",
        "deep_hash",
    ),
    "kept smaller": ("bfloat16", "float16", "int8", "int4", "int8_trained", "pruned", "pep"),
    "stacks": (),
}
_COLORS = [*mpl.colormaps["Dark2"].colors[:7], "black"]
_MARKERS = "osD^v<>p"
_RESAMPLES = 500
_NORMAL = 1.96  # of 95 %


@dataclass(frozen=True)
class Result:
    """One method at one size.

    Attributes:
      method: its name.
      compression_ratio: what was aimed at, or None.
      embedding_bytes: as served.
      smaller: full bytes over these.
      auc_roc: the mean over the seeds.
      auc_interval: difference of the mean to full tables, and its interval.
      seed_range: the smallest and largest auc_roc of a seed.
      logloss: the mean over the seeds, nats.
      logloss_interval: as for auc_roc.
    """

    method: str
    compression_ratio: float | None
    embedding_bytes: int
    smaller: float
    auc_roc: float
    auc_interval: tuple[float, float, float]
    seed_range: tuple[float, float]
    logloss: float
    logloss_interval: tuple[float, float, float]


def read_results(root: Path) -> list[Result]:
    """Returns one result for each method and ratio, full tables first, the order of the cells else.

    What was refused is left out.
    """
    records = [
        json.loads(line) for line in (root / "cells" / "cells.jsonl").read_text().splitlines()
    ]
    groups: dict[tuple[str, float | None], list[dict[str, Any]]] = {}
    for record in records:
        if "refused" not in record:
            key = record["method"], record["compression_ratio"]
            groups.setdefault(key, []).append(record)
    seeds = {record["seed"] for record in groups[_BASELINE, None]}
    for key in [key for key, own in groups.items() if {r["seed"] for r in own} != seeds]:
        print(f"{key[0]}, {key[1]}: left out, not all of its seeds are trained", flush=True)
        del groups[key]
    return list(_results(root, groups))


def _file(root: Path, record: dict[str, Any]) -> Path:
    cell = Cell(record["method"], record["compression_ratio"], record["seed"])
    return root / "cells" / f"{cell.name}.npz"


def _results(
    root: Path, groups: dict[tuple[str, float | None], list[dict[str, Any]]]
) -> Iterator[Result]:
    order = sorted(groups, key=lambda key: (key[0] != _BASELINE, key[0], key[1] or 0.0))
    files = {
        key: [_file(root, record) for record in sorted(groups[key], key=lambda r: r["seed"])]
        for key in order
    }
    labels = np.load(files[_BASELINE, None][0])["label"]
    predictions = {key: [np.load(file)["probability"] for file in files[key]] for key in order}
    qualities = _measure(labels, predictions)
    full_bytes = groups[_BASELINE, None][0]["embedding_bytes"]
    for key in order:
        auc_roc, logloss = (qualities[key].metrics[name] for name in ("auc_roc", "logloss"))
        aucs = [roc_auc_score(labels, each) for each in predictions[key]]
        num_bytes = groups[key][0]["embedding_bytes"]
        yield Result(
            method=key[0],
            compression_ratio=key[1],
            embedding_bytes=num_bytes,
            smaller=full_bytes / num_bytes,
            auc_roc=auc_roc.estimate.value,
            auc_interval=_by_rows(auc_roc),
            seed_range=(min(aucs), max(aucs)),
            logloss=logloss.estimate.value,
            logloss_interval=_by_rows(logloss),
        )


def _measure(
    labels: np.ndarray, predictions: dict[tuple[str, float | None], list[np.ndarray]]
) -> dict[tuple[str, float | None], Quality]:
    """Measures as the pipeline's Evaluator does.

    Args:
      labels: 0 or 1, `[num_rows]`.
      predictions: method and ratio -> the probabilities of each seed, float32 `[num_rows]`.
    """
    names = {key: f"{key[0]} {key[1]}" for key in predictions}
    replicas = {
        names[key]: [f"{names[key]}:{seed}" for seed in range(len(of_key))]
        for key, of_key in predictions.items()
    }
    columns = {
        ROW_ID: pa.array(range(len(labels)), pa.int64()),
        LABEL: pa.array(labels, pa.int64()),
    }
    for key, of_key in predictions.items():
        columns |= {
            name: pa.array(each, pa.float32())
            for name, each in zip(replicas[names[key]], of_key, strict=True)
        }
    baseline = names[_BASELINE, None]
    config = EvaluatorConfig(baseline=baseline, num_resamples=_RESAMPLES)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/predictions.parquet"
        write_predicted(columns, path)
        found = measure_quality(beam.Pipeline, [path], replicas, baseline, config)
    return {key: found[name] for key, name in names.items()}


def _by_rows(result: MetricResult) -> tuple[float, float, float]:
    """Returns the difference to full tables and what other rows could make of it."""
    if result.difference is None:
        return 0.0, 0.0, 0.0
    half = _NORMAL * result.sampling_error
    return result.difference.value, result.difference.value - half, result.difference.value + half


def markdown(results: Sequence[Result]) -> str:
    """Returns a table of one log."""
    lines = [
        "| method | smaller | MB | auc_roc (range of seeds) | difference to full [95 %] | logloss "
        "| difference to full [95 %] |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        low, high = r.seed_range
        lines.append(
            f"| `{r.method}` | {r.smaller:.1f}x | {r.embedding_bytes / 1e6:.3f} "
            f"| {r.auc_roc:.4f} ({low:.4f} to {high:.4f}) | {_interval(r.auc_interval)} "
            f"| {r.logloss:.4f} | {_interval(r.logloss_interval)} |"
        )
    return "\n".join(lines) + "\n"


def _interval(interval: tuple[float, float, float]) -> str:
    mean, low, high = interval
    if mean == low == high == 0:
        return "-"
    return f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"


def draw(logs: dict[str, list[Result]], path: Path) -> None:
    """Draws auc_roc against bytes: a row a log, a column a family of methods, the others grey."""
    style = {"svg.fonttype": "path", "svg.hashsalt": "approximations", "font.size": 9}
    with mpl.rc_context(style):
        size = (3.7 * len(_FAMILIES), 3.4 * len(logs) + 1.6)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(logs), len(_FAMILIES), squeeze=False, sharey="row", sharex="row")
        for axes, (title, results) in zip(grid, logs.items(), strict=True):
            for one, family in zip(axes, _FAMILIES, strict=True):
                _draw_panel(one, family, results)
            axes[0].set_ylabel(f"{title}\nauc_roc on the eval rows")
        for one, family in zip(grid[0], _FAMILIES, strict=True):
            one.set_title(family)
        for one in grid[-1]:
            one.set_xlabel("MB of all embeddings as served")
            one.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)


def _draw_panel(axes: Axes, family: str, results: Sequence[Result]) -> None:
    full, *others = results
    axes.axhline(full.auc_roc, color="0.6", linewidth=1, linestyle=":", zorder=0)
    axes.annotate(
        "full tables",
        (0.0, full.auc_roc),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        color="0.4",
    )
    names = list(dict.fromkeys(r.method for r in others))
    own = [name for name in names if _family(name) == family]
    for name in sorted(names, key=lambda name: name in own):
        points = sorted((r for r in others if r.method == name), key=lambda r: r.smaller)
        sizes = [r.embedding_bytes / 1e6 for r in points]
        scores = [r.auc_roc for r in points]
        if name not in own:
            axes.plot(sizes, scores, color="0.88", linewidth=0.9, zorder=1)
            continue
        position = own.index(name)
        ends = [[r.auc_interval[0] - r.auc_interval[i] for r in points] for i in (1, 2)]
        axes.errorbar(
            sizes,
            scores,
            np.abs(ends),
            label=name,
            color=_COLORS[position % len(_COLORS)],
            marker=_MARKERS[position % len(_MARKERS)],
            markersize=5,
            linewidth=1.5,
            elinewidth=0.7,
        )
    axes.set_xscale("log")
    axes.spines[["top", "right"]].set_visible(False)


def _family(method: str) -> str:
    if "+" in method:
        return "stacks"
    return next((name for name, methods in _FAMILIES.items() if method in methods), "stacks")


def main() -> None:
    """Writes what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("roots", nargs="+", metavar="TITLE=ROOT")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--picture", type=Path, help="an .svg or .png file")
    flags = parser.parse_args()
    panels = {}
    for item in flags.roots:
        title, _, root = item.rpartition("=")
        panels[title] = read_results(Path(root))
    text = "\n".join(f"### {title}\n\n{markdown(results)}" for title, results in panels.items())
    if flags.markdown:
        flags.markdown.write_text(text)
    else:
        print(text)
    if flags.picture:
        draw(panels, flags.picture)


if __name__ == "__main__":
    main()
