"""Writes ML Metadata as TFX 1.16 does: the same types, contexts, states, events and properties."""

import json
from pathlib import Path
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as mlmd

PIPELINE = "dlrm-approx"


class TfxStore:
    """A database that steps are recorded in, one call a step."""

    def __init__(self, root: Path) -> None:
        self.root = root
        config = mlmd.ConnectionConfig()
        config.sqlite.filename_uri = str(root / "metadata.sqlite")
        config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self._store = ml_metadata.MetadataStore(config)
        self._run = ""

    def start_run(self, run_id: str) -> None:
        """Makes the following steps belong to this pipeline run."""
        self._run = run_id
        pipeline, run = self._context("pipeline", PIPELINE), self._context("pipeline_run", run_id)
        self._store.put_parent_contexts(
            [mlmd.ParentContext(child_id=run.id, parent_id=pipeline.id)]
        )

    def step(
        self,
        node: str,
        inputs: dict[str, int] | None = None,
        outputs: dict[str, int | tuple[str, dict[str, Any]]] | None = None,
        state: int = mlmd.Execution.COMPLETE,
        **properties: Any,
    ) -> dict[str, int]:
        """Records one execution.

        Args:
          node: the node id.
          inputs: key -> artifact id.
          outputs: key -> (type, properties) of a new artifact, or the id of a cached one.
          state: the execution's last known state.
          **properties: its properties; what is not a string or number becomes JSON.

        Returns:
          Output key -> artifact id, and `execution` -> execution id.
        """
        execution_type = mlmd.ExecutionType(name=f"components.{node.split('_')[0]}")
        execution = mlmd.Execution(
            type_id=self._store.put_execution_type(execution_type), last_known_state=state
        )
        _fill(execution.custom_properties, properties)
        events = [
            (mlmd.Artifact(id=id_), _event(mlmd.Event.INPUT, key))
            for key, id_ in (inputs or {}).items()
        ]
        # TFX registers an execution with its inputs first and adds its outputs later.
        contexts = [
            self._context("pipeline", PIPELINE),
            self._context("pipeline_run", self._run),
            self._context("node", f"{PIPELINE}.{node}"),
        ]
        execution_id, _, _ = self._store.put_execution(
            execution, self._stored(events), contexts, reuse_context_if_already_exist=True
        )
        [execution] = self._store.get_executions_by_id([execution_id])
        made = [
            (self._output(node, key, output, execution_id), _event(mlmd.Event.OUTPUT, key))
            for key, output in (outputs or {}).items()
        ]
        _, ids, _ = self._store.put_execution(
            execution, made, contexts, reuse_context_if_already_exist=True
        )
        return {**dict(zip(outputs or {}, ids, strict=True)), "execution": execution_id}

    def _stored(
        self, events: list[tuple[mlmd.Artifact, mlmd.Event]]
    ) -> list[tuple[mlmd.Artifact, mlmd.Event]]:
        return [(self._store.get_artifacts_by_id([item.id])[0], event) for item, event in events]

    def _output(
        self, node: str, key: str, output: int | tuple[str, dict[str, Any]], execution_id: int
    ) -> mlmd.Artifact:
        if isinstance(output, int):
            return self._store.get_artifacts_by_id([output])[0]
        type_name, properties = output
        values = {"tfx_version": "1.16.0", "is_external": 0, **properties}
        uri = values.pop("uri", f"{self.root}/pipeline_root/{node}/{key}/{execution_id}")
        type_id = self._store.put_artifact_type(mlmd.ArtifactType(name=type_name))
        artifact = mlmd.Artifact(type_id=type_id, uri=uri, state=mlmd.Artifact.LIVE)
        _fill(artifact.custom_properties, values)
        return artifact

    def _context(self, type_name: str, name: str) -> mlmd.Context:
        known = self._store.get_context_by_type_and_name(type_name, name)
        if known is not None:
            return known
        type_id = self._store.put_context_type(mlmd.ContextType(name=type_name))
        [context_id] = self._store.put_contexts([mlmd.Context(type_id=type_id, name=name)])
        return self._store.get_contexts_by_id([context_id])[0]


def _event(kind: int, key: str) -> mlmd.Event:
    event = mlmd.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


def _fill(target: Any, properties: dict[str, Any]) -> None:
    for key, value in properties.items():
        if isinstance(value, int):
            target[key].int_value = value
        else:
            target[key].string_value = value if isinstance(value, str) else json.dumps(value)


def trainer_config(variant: str, seed: int) -> dict[str, Any]:
    """Returns a stock Trainer's `custom_config`: our configuration as JSON inside its JSON."""
    config = {"variant": variant, "seed": seed, "bottom_mlp": [64, 16]}
    return {"config": json.dumps(config), "code_version": "7ra14e4"}


def write_three_runs(root: Path) -> dict[str, dict[str, int]]:
    """Records a full run, a partly cached one and a failed one.

    Run `run-1` executes everything and pushes `hashing` (seed 3). Run `run-2` changes the
    Evaluator alone: all before it is cached, and `full` (seed 2) is pushed. Run `run-3` fails in
    `Trainer_full`.

    Returns:
      `<step>` of run 1, `<step>/2` of run 2, `<step>/3` of run 3 -> what `TfxStore.step` gave.
    """
    store, made = TfxStore(root), {}
    store.start_run("run-1")
    data = {
        "input_base": "/logs/",
        "input_config": {"splits": [{"name": "click_logs", "pattern": "day_*.tsv"}]},
        "config": {"eval_fraction": 0.2},
        "code_version": "e8a3p1e",
    }
    fingerprint = {"input_fingerprint": "num_files:2,total_bytes:90", "span": 0}
    made["gen"] = gen = store.step(
        "ClickLogExampleGen",
        outputs={"examples": ("Examples", fingerprint), "quarantine": ("schemas.Quarantine", {})},
        **data,
    )
    made["schema"] = schema = store.step(
        "SchemaGen", outputs={"schema": ("Schema", {"uri": "/schema"})}, code_version="5c4e3a"
    )
    transform_settings = {"config": {"min_count": 4}, "code_version": "7ra25f0"}
    made["transform"] = transform = store.step(
        "Transform",
        {"examples": gen["examples"], "schema": schema["schema"]},
        {"transform_graph": ("TransformGraph", {}), "transformed_examples": ("Examples", {})},
        **transform_settings,
    )
    read = {
        "examples": transform["transformed_examples"],
        "transform_graph": transform["transform_graph"],
    }
    for seed, variant in enumerate(("full", "hashing"), start=2):
        made[variant] = store.step(
            f"Trainer_{variant}",
            read,
            {"model": ("Model", {}), "model_run": ("ModelRun", {})},
            custom_config=trainer_config(variant, seed),
            train_args={"splits": ["train"]},
        )
    made |= _evaluate_and_push(store, made, "hashing", "1700000001", "")
    store.start_run("run-2")
    for name, node in _NODES.items():
        outputs = {key: id_ for key, id_ in made[name].items() if key != "execution"}
        properties = {k: v for k, v in data.items() if k != "code_version"} if name == "gen" else {}
        state = mlmd.Execution.CACHED
        made[f"{name}/2"] = store.step(node, read, outputs, state, **properties)
    made |= _evaluate_and_push(store, made, "full", "1700000002", "/2")
    store.start_run("run-3")
    made["full/3"] = store.step(
        "Trainer_full", read, state=mlmd.Execution.FAILED, custom_config=trainer_config("full", 4)
    )
    return made


_NODES = {
    "gen": "ClickLogExampleGen",
    "schema": "SchemaGen",
    "transform": "Transform",
    "full": "Trainer_full",
    "hashing": "Trainer_hashing",
}


def _evaluate_and_push(
    store: TfxStore, made: dict[str, dict[str, int]], chosen: str, version: str, suffix: str
) -> dict[str, dict[str, int]]:
    evaluator = store.step(
        "Evaluator",
        {
            "hashing": made["hashing"]["model"],
            "full": made["full"]["model"],
            "examples": made["gen"]["examples"],
        },
        {
            "model": ("Model", {"variant": chosen}),
            "blessing": ("ModelBlessing", {"blessed": 1}),
            "comparison": ("schemas.Comparison", {}),
        },
        config={"max_auc_loss": 0.002 if chosen == "hashing" else 0.0},
        code_version="e7a1",
    )
    destination = str(store.root / "serving_model" / version)
    pusher = store.step(
        "Pusher",
        {"model": evaluator["model"], "model_blessing": evaluator["blessing"]},
        {"pushed_model": ("PushedModel", {"pushed": 1, "pushed_destination": destination})},
        custom_config="null",
    )
    return {f"evaluator{suffix}": evaluator, f"pusher{suffix}": pusher}
