"""The part of Vertex AI that keeps models and endpoints, on loopback.

Every operation ends at once.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format, symbol_database

from pipeline.vertex.api.request_check import check_required

_TYPE = "type.googleapis.com/google.cloud.aiplatform.v1."
# An operation holds its result as an Any. Reading one from JSON, protobuf would make a new class
# for an unknown type, and proto-plus would not know it from then on.
symbol_database.Default().RegisterMessage(type(types.Endpoint.pb(types.Endpoint())))


class FakeServing:
    """A context manager; `endpoint` is its address.

    Attributes:
      models: full name -> JSON of a model.
      endpoints: full name -> JSON of an endpoint.
      requests: (method, path, body) of all that came.
    """

    def __init__(self):
        self.models = {}
        self.endpoints = {}
        self.requests = []

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method, path, query, body):
        """The JSON of the answer; LookupError for what is not there."""
        self.requests.append((method, path, body))
        parent, _, rest = path.removeprefix("/v1/").partition("/locations/us-central1/")
        parent += "/locations/us-central1"
        if method == "POST" and rest == "models:upload":
            return self._upload(parent, body)
        if rest == "endpoints":
            return self._create(parent, body) if method == "POST" else self._list(query)
        name, _, verb = f"{parent}/{rest}".partition(":")
        if verb == "deployModel":
            return self._deploy(name, body)
        if verb == "undeployModel":
            return self._undeploy(name, body)
        return {**self.models, **self.endpoints}[name]

    def _upload(self, parent, body):
        check_required(_read(types.UploadModelRequest, {"parent": parent, **body}))
        name = f"{parent}/models/{len(self.models) + 1}"
        deployable = {"supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"]}
        self.models[name] = {"name": name, **body["model"], **deployable}
        return _done(name, "UploadModelResponse", {"model": name})

    def _create(self, parent, body):
        check_required(_read(types.CreateEndpointRequest, {"parent": parent, "endpoint": body}))
        name = f"{parent}/endpoints/{len(self.endpoints) + 11}"
        self.endpoints[name] = {"name": name, **body, "deployedModels": [], "trafficSplit": {}}
        return _done(name, "Endpoint", self.endpoints[name])

    def _list(self, query):
        wanted = re.fullmatch('display_name="(.*)"', query["filter"][0])[1]
        found = [each for each in self.endpoints.values() if each["displayName"] == wanted]
        return {"endpoints": found}

    def _deploy(self, name, body):
        check_required(_read(types.DeployModelRequest, {"endpoint": name, **body}))
        endpoint = self.endpoints[name]
        number = str(len(self.requests))
        endpoint["deployedModels"].append({**body["deployedModel"], "id": number})
        endpoint["trafficSplit"] = {
            number if key == "0" else key: value for key, value in body["trafficSplit"].items()
        }
        return _done(name, "DeployModelResponse", {"deployedModel": {"id": number}})

    def _undeploy(self, name, body):
        check_required(_read(types.UndeployModelRequest, {"endpoint": name, **body}))
        endpoint = self.endpoints[name]
        endpoint["deployedModels"] = [
            each for each in endpoint["deployedModels"] if each["id"] != body["deployedModelId"]
        ]
        return _done(name, "UndeployModelResponse", {})


def _read(message, body):
    """The message of a request; an unknown field is an error."""
    read = message()
    json_format.ParseDict(body, message.pb(read))
    return read


def _done(name, kind, response):
    return {
        "name": f"{name}/operations/1",
        "done": True,
        "response": {"@type": _TYPE + kind, **response},
    }


class _Handler(BaseHTTPRequestHandler):
    fake: FakeServing

    def _answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or "{}")
        parts = urlsplit(self.path)
        try:
            answer = self.fake.answer(self.command, parts.path, parse_qs(parts.query), body)
            status = 200
        except KeyError as error:
            answer, status = {"error": {"code": 404, "message": str(error)}}, 404
        except (ValueError, json_format.ParseError) as error:
            answer, status = {"error": {"code": 400, "message": str(error)}}, 400
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *args):
        pass
