"""A Kubeflow Pipelines server on loopback: the part of its REST API v2beta1 that runs need.

It checks paths, fields and that the pipeline is a PipelineSpec.
"""

import datetime
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

_RUN_FIELDS = set(kfp_server_api.V2beta1Run.attribute_map.values())
_EXPERIMENT_FIELDS = set(kfp_server_api.V2beta1Experiment.attribute_map.values())
_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")


class KfpRefusalError(Exception):
    """An HTTP error that the server answers with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class FakeKfp:
    """A context manager; `host` is its address.

    Attributes:
      faults: `(regex for "METHOD path", status, whether the request is carried out before)`; each
        is used once. Status 0 closes the connection without an answer.
      failing_tasks: task -> its error.
      requests: `"METHOD path"` of all that came.
      runs: id -> run, as JSON.
      experiments: id -> experiment, as JSON.
    """

    faults: list[tuple[str, int, bool]] = field(default_factory=list)
    failing_tasks: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> "FakeKfp":
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        path = path.removeprefix("/apis/v2beta1")
        if (method, path) == ("GET", "/healthz"):
            return {"multi_user": False}
        if path == "/experiments":
            if method == "GET":
                return {"experiments": _matching(self.experiments, query)}
            _check(body, _EXPERIMENT_FIELDS, ("display_name",))
            return self._add(self.experiments, "experiment_id", body)
        if path == "/runs":
            return self._create_run(body) if method == "POST" else self._list_runs(query)
        if found := re.fullmatch(r"/runs/([\w-]+)(:terminate)?", path):
            if found[1] not in self.runs:
                raise KfpRefusalError(404, f"Run {found[1]} not found.")
            run = self.runs[found[1]]
            if found[2] and method == "POST":
                run["state"] = "CANCELED"
                return {}
            if method == "GET" and not found[2]:
                seen = json.loads(json.dumps(run))
                self._advance(run)
                return seen
        raise KfpRefusalError(404, f"Not Found: {method} {path}")

    def _list_runs(self, query: dict[str, str]) -> dict[str, Any]:
        return {"runs": list(reversed(_matching(self.runs, query)))}

    def _create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        _check(body, _RUN_FIELDS, ("display_name", "experiment_id", "pipeline_spec"))
        if body["experiment_id"] not in self.experiments:
            raise KfpRefusalError(404, f"Experiment {body['experiment_id']} not found.")
        if not body.get("runtime_config", {}).get("pipeline_root"):
            raise KfpRefusalError(400, "runtime_config.pipeline_root is required")
        try:
            json_format.ParseDict(body["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
        except json_format.ParseError as error:
            raise KfpRefusalError(400, f"Invalid pipeline spec: {error}") from error
        tasks = [
            {"display_name": name, "state": "PENDING"}
            for name in body["pipeline_spec"]["root"]["dag"]["tasks"]
        ]
        details = {"task_details": [{"display_name": "root", "state": "RUNNING"}, *tasks]}
        now = {"state": "PENDING", "created_at": _now(), "run_details": details}
        return self._add(self.runs, "run_id", {**body, **now})

    def _add(self, kept: dict[str, Any], key: str, body: dict[str, Any]) -> dict[str, Any]:
        made = {**body, key: f"{key.removesuffix('_id')}-{len(kept) + 1}"}
        kept[made[key]] = made
        return made

    def _advance(self, run: dict[str, Any]) -> None:
        """Ends the running task and starts the next one."""
        if run["state"] in _ENDED:
            return
        run["state"] = "RUNNING"
        tasks = [t for t in run["run_details"]["task_details"] if t["display_name"] != "root"]
        for task in tasks:
            if task["state"] == "RUNNING":
                task["end_time"] = _now()
                if task["display_name"] in self.failing_tasks:
                    message = self.failing_tasks[task["display_name"]]
                    task |= {"state": "FAILED", "error": {"code": 2, "message": message}}
                    run["state"] = "FAILED"
                    return
                task["state"] = "SUCCEEDED"
        done = {task["display_name"] for task in tasks if task["state"] == "SUCCEEDED"}
        spec = run["pipeline_spec"]["root"]["dag"]["tasks"]
        waiting = [
            task
            for task in tasks
            if task["state"] == "PENDING"
            and set(spec[task["display_name"]].get("dependentTasks", ())) <= done
        ]
        if waiting:
            waiting[0] |= {"state": "RUNNING", "start_time": _now()}
        else:
            run["state"] = "SUCCEEDED"


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def _check(body: dict[str, Any], known: set[str], required: tuple[str, ...]) -> None:
    if unknown := set(body) - known:
        raise KfpRefusalError(400, f"unknown fields {sorted(unknown)}")
    if missing := [name for name in required if not body.get(name)]:
        raise KfpRefusalError(400, f"missing fields {missing}")


def _matching(kept: dict[str, Any], query: dict[str, str]) -> list[dict[str, Any]]:
    found = list(kept.values())
    for predicate in json.loads(query.get("filter") or "{}").get("predicates", ()):
        text = predicate["stringValue"]
        if predicate["operation"] in ("EQUALS", 1):
            found = [each for each in found if each[predicate["key"]] == text]
        else:
            found = [each for each in found if text in each[predicate["key"]]]
    return found


class _Handler(BaseHTTPRequestHandler):
    fake: FakeKfp
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        body = json.loads(content) if content else None
        line = f"{self.command} {parts.path}"
        self.fake.requests.append(line)
        fault = next((each for each in self.fake.faults if re.search(each[0], line)), None)
        try:
            if fault is not None:
                self.fake.faults.remove(fault)
                if fault[2]:
                    self.fake.answer(self.command, parts.path, query, body)
                if not fault[1]:
                    self.close_connection = True
                    return
                raise KfpRefusalError(fault[1], "injected")
            self._send(200, self.fake.answer(self.command, parts.path, query, body))
        except KfpRefusalError as error:
            self._send(error.status, {"error_message": str(error), "error_details": "x"})

    do_GET = do_POST = _handle  # noqa: N815

    def _send(self, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""
