"""Root folders as runs leave them: ML Metadata as TFX writes it, tiny models, raw eval rows."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.features import Features, write_features
from schemas.click_log import LABEL, ClickLog
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG
from tests.components.evaluator.tiny import click_log, save_model, save_training, write_split
from tests.pipeline.lineage.tfx_store import TfxStore

NUM_ROWS = 600
HASH_SPLIT = {"method": "hash", "seed": 0, "eval_fraction": 0.2}
TIME_SPLIT = {"method": "last_rows", "seed": 0, "eval_fraction": 0.2}


@dataclass(frozen=True)
class RunToRecord:
    """What is different from run to run.

    Attributes:
      run_id: of the pipeline run.
      variant: the chosen one; None: none was chosen.
      weight: of the chosen variant's model (`tiny.Logistic`).
      embedding_bytes: in its training record.
      trainer: its configuration, without the variant's name.
      transform: the configuration of Transform.
      split: of ExampleGen's configuration.
      files: path -> number of lines of the raw log.
      row_seed: of the eval rows.
      layout: of the raw rows.
      code: step -> version of its code.
    """

    run_id: str
    variant: str | None = "hashing"
    weight: float = 0.25
    embedding_bytes: int = 4_000
    trainer: dict[str, Any] = field(default_factory=lambda: {"seed": 0, "epochs": 1})
    transform: dict[str, Any] = field(default_factory=lambda: {"min_count": 4})
    split: dict[str, Any] = field(default_factory=lambda: HASH_SPLIT)
    files: dict[str, int] = field(default_factory=lambda: {"/logs/day_1.tsv": 3_000})
    row_seed: int = 1
    layout: ClickLog = CLICK_LOG
    code: dict[str, str] = field(default_factory=dict)


def eval_rows(seed: int) -> pa.Table:
    """The raw eval rows of a run: labels drawn by sigmoid(I1 / 4 - 1)."""
    return click_log(NUM_ROWS, seed)


def expected_scores(rows: pa.Table, weight: float) -> np.ndarray:
    """What `tiny.Logistic` predicts, worked out in NumPy."""
    first = np.nan_to_num(rows["I1"].to_pandas().to_numpy(dtype=float))
    return 1 / (1 + np.exp(-weight * first))


def labels(rows: pa.Table) -> np.ndarray:
    return rows[LABEL].to_numpy()


def record_run(root: Path, run: RunToRecord) -> None:
    """Adds a run to the database under `root`, with all files that its artifacts hold."""
    root.mkdir(exist_ok=True)
    store, folder = TfxStore(root), root / "artifacts" / run.run_id
    store.start_run(run.run_id)
    made = {"gen": _example_gen(store, folder, run)}
    made["transform"] = _transform(store, folder, run, made["gen"]["examples"])
    read = {
        "examples": made["transform"]["transformed_examples"],
        "transform_graph": made["transform"]["transform_graph"],
    }
    inputs = {"examples": made["gen"]["examples"], **read}
    inputs["examples"] = made["gen"]["examples"]
    for variant in ("full", "hashing"):
        trained = _trainer(store, folder, run, variant, read)
        inputs |= {f"model_0_{variant}": trained["model"]}
        inputs |= {f"model_run_0_{variant}": trained["model_run"]}
    chosen = {} if run.variant is None else {"variant": run.variant}
    store.step(
        "Evaluator",
        inputs,
        {
            "model": ("Model", chosen),
            "blessing": ("ModelBlessing", {"reason": "full loses too much"}),
            "comparison": ("schemas.Comparison", {}),
        },
        config={"baseline": "full", "confidence": 0.9, "num_resamples": 200},
        code_version=run.code.get("Evaluator", "e1"),
    )


def _example_gen(store: TfxStore, folder: Path, run: RunToRecord) -> dict[str, int]:
    rows = eval_rows(run.row_seed)
    write_split(folder / "examples" / "Split-eval", rows.slice(0, 400), rows.slice(400))
    num_clicks = int(labels(rows).sum())
    summary = {
        "files": run.files,
        "num_rows": {"train": 2_400, "eval": NUM_ROWS},
        "num_clicks": {"train": 600, "eval": num_clicks},
    }
    (folder / "quarantine").mkdir()
    (folder / "quarantine" / "summary.json").write_text(json.dumps(summary))
    paths = "-".join(path.rpartition("/")[2] for path in run.files)
    return store.step(
        "ExampleGen",
        outputs={
            "quarantine": ("schemas.Quarantine", {"uri": str(folder / "quarantine")}),
            "examples": (
                "Examples",
                {
                    "uri": str(folder / "examples"),
                    "input_fingerprint": f"files:{paths}",
                    "span": 0,
                },
            ),
        },
        input_base="/logs/",
        pattern="day_*.tsv",
        config={"split": run.split},
        click_log=run.layout.to_json(),
        code_version=run.code.get("ExampleGen", "g1"),
    )


def _transform(store: TfxStore, folder: Path, run: RunToRecord, examples: int) -> dict[str, int]:
    graph = folder / "transform_graph"
    graph.mkdir()
    names = [name for name in CATEGORICAL_FEATURES if name in run.layout.categorical_features]
    sizes = {name: 10 + 10 * len(run.files) for name in names}
    write_features(
        str(graph), Features(click_log=run.layout, dense_width=2, vocabulary_sizes=sizes)
    )
    return store.step(
        "Transform",
        {"examples": examples},
        {
            "transform_graph": ("TransformGraph", {"uri": str(graph)}),
            "transformed_examples": ("Examples", {}),
        },
        config=run.transform,
        code_version=run.code.get("Transform", "t1"),
    )


def _trainer(
    store: TfxStore, folder: Path, run: RunToRecord, variant: str, read: dict[str, int]
) -> dict[str, int]:
    outputs: dict[str, Any] = {"model": ("Model", {}), "model_run": ("ModelRun", {})}
    if variant == run.variant:
        save_model(folder / "model" / "Format-Serving", run.weight)
        training = save_training(folder / variant, run.embedding_bytes) / "training.json"
        record = json.loads(training.read_text())
        training.write_text(json.dumps(record | {"config": {"variant": variant, **run.trainer}}))
        outputs = {
            "model": ("Model", {"uri": str(folder / "model")}),
            "model_run": ("ModelRun", {"uri": str(folder / variant)}),
        }
    custom = {"config": json.dumps({"variant": variant}), "code_version": run.code.get(variant)}
    return store.step(f"Trainer_{variant}", read, outputs, custom_config=custom)


def record_cached_run(root: Path, run_id: str, of: str) -> None:
    """Adds a run whose steps all took the outputs of an earlier one from the cache."""
    from pipeline.lineage.store import read_snapshot

    snapshot, store = read_snapshot(root), TfxStore(root)
    store.start_run(run_id)
    for execution in snapshot.run_executions(of):
        outputs = {link.key: link.artifact_id for link in execution.outputs}
        inputs = {link.key: link.artifact_id for link in execution.inputs}
        store.step(execution.node, inputs, outputs, mlmd.Execution.CACHED)
