"""A server on loopback that takes custom jobs as Vertex AI's REST interface does."""

import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from components.errors import InputError
from pipeline.vertex.local.custom_jobs import CustomJobs

_PATH = re.compile(
    r"/v1(?:beta1)?/(?P<parent>projects/[^/]+/locations/[^/]+)/customJobs"
    r"(?:/(?P<id>[^/:]+)(?P<cancel>:cancel)?)?"
)
_POLL_SECONDS = 0.05
_OK, _BAD, _NOT_FOUND = 200, 400, 404
_STATUS = {_BAD: "INVALID_ARGUMENT", _NOT_FOUND: "NOT_FOUND"}


class JobServer:
    """Serves `projects.locations.customJobs`: create, get, list and cancel.

    Use it as a context manager: it listens from entering on.
    """

    def __init__(self, jobs: CustomJobs) -> None:
        """Takes the jobs that it serves."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(jobs))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )

    @property
    def endpoint(self) -> str:
        """Where it listens: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "JobServer":
        """Starts to listen."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Answers nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(jobs: CustomJobs) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            try:
                status, message = _OK, _serve(jobs, self.command, self.path, body)
            except LookupError as error:
                status, message = _NOT_FOUND, _error(_NOT_FOUND, error)
            except ValueError as error:
                status, message = _BAD, _error(_BAD, error)
            content = json.dumps(message).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *unused: Any) -> None:
            """Logs nothing: the standard error is the user's terminal."""

    return Handler


def _serve(jobs: CustomJobs, method: str, target: str, body: bytes) -> Mapping[str, Any]:
    """Returns the answer to one request.

    Raises:
      LookupError: if there is nothing of that name.
      ValueError: if the request is wrong.
    """
    url = urlsplit(target)
    matched = _PATH.fullmatch(url.path)
    if matched is None:
        raise LookupError(f"{url.path}: only custom jobs are served here")
    parent, number = matched["parent"], matched["id"]
    name = f"{parent}/customJobs/{number}"
    if method == "POST" and matched["cancel"]:
        jobs.cancel(name)
        return {}
    if method == "POST" and not number:
        return jobs.create(parent, _json(body))
    if method == "GET" and number:
        return jobs.get(name)
    if method == "GET":
        filters = parse_qs(url.query).get("filter", [""])[0]
        return {"customJobs": jobs.find(parent, filters)}
    raise LookupError(f"{method} {url.path}: not served here")


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except json.JSONDecodeError as error:
        raise InputError(f"body: expected JSON, received {body[:80]!r}") from error
    if not isinstance(message, dict):
        raise InputError(f"body: expected a CustomJob, received {body[:80]!r}")
    return message


def _error(code: int, error: Exception) -> Mapping[str, Any]:
    return {"error": {"code": code, "message": str(error), "status": _STATUS[code]}}
