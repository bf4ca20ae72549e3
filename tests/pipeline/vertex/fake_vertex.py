"""A Vertex AI on loopback: REST, strict about what it is sent, with states that move and faults.

It checks form (unknown fields, missing required ones, ids, labels, names), not whether a project,
a machine type or an image exists. A test that passes here has shown what we send.
"""

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format

from components.errors import InputError
from pipeline.vertex.api.request_check import check_required
from tests.pipeline.vertex.fake_vertex_jobs import (
    advance_custom_job,
    advance_pipeline_job,
    as_json,
    cancel,
    masked,
    matches,
    now,
)

_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,126}")
_LABEL = re.compile(r"[\w-]{0,63}")
_PARENT = re.compile(r"projects/[a-z0-9:.-]+/locations/[a-z0-9-]+")
# Collection -> message, request message, the request's field, its id's query parameter.
_KINDS: Mapping[str, tuple[Any, Any, str, str | None]] = {
    "pipelineJobs": (
        types.PipelineJob,
        types.CreatePipelineJobRequest,
        "pipeline_job",
        "pipelineJobId",
    ),
    "customJobs": (types.CustomJob, types.CreateCustomJobRequest, "custom_job", None),
    "schedules": (types.Schedule, types.CreateScheduleRequest, "schedule", None),
}


@dataclass
class Fault:
    """What goes wrong with requests.

    Attributes:
      on: regular expression that is looked for in `"POST /v1/projects/..."`.
      status: HTTP status of the answer; 0 closes the connection without one.
      message: the error's text.
      name: Google's canonical name of the status.
      times: so many requests; then all is well.
      carried_out: whether the request does its work before the answer goes wrong.
      delay_seconds: the answer comes so late.
    """

    on: str
    status: int = 0
    message: str = "injected"
    name: str = ""
    times: int = 1
    carried_out: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any] | None


class RefusalError(Exception):
    """An HTTP error that the service answers with."""

    def __init__(self, status: int, message: str, name: str = "") -> None:
        super().__init__(message)
        self.status, self.name = status, name


@dataclass
class FakeVertex:
    """A context manager; `endpoint` is its address, `resources` what it keeps by name.

    Attributes:
      faults: are used up in order; more may be added at any time.
      failing_tasks: pipeline task or custom job display name -> the error it ends with.
      outputs: pipeline task -> output key -> uri of its artifact; `{run}` in it is the job's id.
      num_parallel_tasks: so many tasks of a pipeline job run at a time.
      requests: all that came.
      resources: full name -> message.
    """

    faults: list[Fault] = field(default_factory=list)
    failing_tasks: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    num_parallel_tasks: int = 2
    requests: list[Request] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> "FakeVertex":
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of_kind(self, collection: str) -> list[Any]:
        """All resources of `pipelineJobs`, `customJobs` or `schedules`, oldest first."""
        return [value for name, value in self.resources.items() if f"/{collection}/" in name]

    def sent(self, method: str, ending: str) -> list[Request]:
        """The requests of a method whose path ends so."""
        return [r for r in self.requests if r.method == method and r.path.endswith(ending)]

    def answer(self, request: Request) -> dict[str, Any]:
        """Carries a request out; the JSON of the answer."""
        path = request.path.removeprefix("/v1/")
        with self.lock:
            if (found := re.fullmatch(r"(.+)/(\w+)", path)) and found[2] in _KINDS:
                if not _PARENT.fullmatch(found[1]):
                    raise RefusalError(400, f"invalid parent {found[1]}", "INVALID_ARGUMENT")
                if request.method == "POST":
                    return self._create(found[1], found[2], request)
                return self._list(found[1], found[2], request.query)
            name, _, verb = path.partition(":")
            if name not in self.resources:
                raise RefusalError(404, f"{name} is not found.", "NOT_FOUND")
            return self._on_resource(request.method, name, verb)

    def _create(self, parent: str, collection: str, request: Request) -> dict[str, Any]:
        message, wrapper, field_name, id_key = _KINDS[collection]
        try:
            resource = message()
            json_format.ParseDict(request.body, message.pb(resource))
            check_required(wrapper(parent=parent, **{field_name: resource}))
        except (json_format.ParseError, InputError) as error:
            raise RefusalError(400, str(error), "INVALID_ARGUMENT") from error
        for key, value in dict(getattr(resource, "labels", {})).items():
            if not _LABEL.fullmatch(key) or not _LABEL.fullmatch(value) or key != key.lower():
                raise RefusalError(400, f"invalid label {key}={value}", "INVALID_ARGUMENT")
        given = request.query.get(id_key, "") if id_key else ""
        if given and not _JOB_ID.fullmatch(given):
            raise RefusalError(400, f"invalid {id_key} {given}", "INVALID_ARGUMENT")
        name = f"{parent}/{collection}/{given or 1000 + len(self.resources)}"
        if name in self.resources:
            raise RefusalError(409, f"{name} already exists", "ALREADY_EXISTS")
        resource.name, resource.create_time = name, now()
        if collection == "pipelineJobs":
            resource.state = types.PipelineState.PIPELINE_STATE_PENDING
        elif collection == "customJobs":
            resource.state = types.JobState.JOB_STATE_PENDING
        else:
            resource.state = types.Schedule.State.ACTIVE
        self.resources[name] = resource
        return as_json(resource)

    def _list(self, parent: str, collection: str, query: Mapping[str, str]) -> dict[str, Any]:
        found = [
            resource
            for name, resource in reversed(self.resources.items())
            if name.startswith(f"{parent}/{collection}/")
            and matches(resource, query.get("filter", ""))
        ]
        size, start = int(query.get("pageSize", 0) or 100), int(query.get("pageToken", 0) or 0)
        page = {
            collection: [
                as_json(masked(each, query.get("readMask", "")))
                for each in found[start : start + size]
            ]
        }
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return {**page, **more}

    def _on_resource(self, method: str, name: str, verb: str) -> dict[str, Any]:
        resource = self.resources[name]
        if method == "POST" and verb == "cancel":
            cancel(resource)
            return {}
        if method == "DELETE":
            del self.resources[name]
            return {}
        if method != "GET" or verb:
            raise RefusalError(404, f"no method {method} {verb}", "NOT_FOUND")
        answer = as_json(resource)
        if "/pipelineJobs/" in name:
            advance_pipeline_job(
                resource, self.num_parallel_tasks, self.failing_tasks, self.outputs
            )
        elif "/customJobs/" in name:
            advance_custom_job(resource, self.failing_tasks)
        return answer


class _Handler(BaseHTTPRequestHandler):
    fake: FakeVertex
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(
            self.command,
            parts.path,
            {key: values[-1] for key, values in parse_qs(parts.query).items()},
            dict(self.headers),
            json.loads(content) if content else None,
        )
        with self.fake.lock:
            self.fake.requests.append(request)
            fault = self._fault(request)
        try:
            if fault is None:
                self._send(200, self.fake.answer(request))
                return
            if fault.carried_out:
                self.fake.answer(request)
            time.sleep(fault.delay_seconds)
            if fault.status:
                raise RefusalError(fault.status, fault.message, fault.name)
            self.close_connection = True
        except RefusalError as refusal:
            error = {"code": refusal.status, "message": str(refusal), "status": refusal.name}
            self._send(refusal.status, {"error": error})

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    def _fault(self, request: Request) -> Fault | None:
        for fault in self.fake.faults:
            if fault.times > 0 and re.search(fault.on, f"{request.method} {request.path}"):
                fault.times -= 1
                return fault
        return None

    def _send(self, status: int, answer: Mapping[str, Any] | Iterable[Any]) -> None:
        content = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""
