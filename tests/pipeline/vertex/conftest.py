"""Google's services on loopback: a fake Vertex AI and an emulator of Cloud Storage."""

import logging

import pytest

from tests.pipeline.vertex.cli_flags import COMPARISON, SITE, WHAT, WHERE
from tests.pipeline.vertex.fake_vertex import FakeVertex
from tests.pipeline.vertex.small_job import small_job


@pytest.fixture(autouse=True)
def logs_as_before():
    """A command sends the logs to its file; afterwards they go where they went before."""
    root = logging.getLogger()
    before, level = set(root.handlers), root.level
    yield
    for handler in set(root.handlers) - before:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def vertex():
    """A fresh Vertex AI."""
    with FakeVertex() as fake:
        yield fake


@pytest.fixture(scope="session")
def storage_server():
    """An emulator of Cloud Storage in memory; gives its address."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True)
    server._api.daemon = True
    server.start()
    yield f"http://127.0.0.1:{server._api._httpd.server_address[1]}"
    server.stop()


@pytest.fixture
def bucket(storage_server, monkeypatch):
    """The bucket `clicks` with two files of a log, 10 and 5 bytes; all else is gone."""
    from google.cloud import storage

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    client = storage.Client(project="ads-12345")
    if client.lookup_bucket("clicks") is not None:
        client.bucket("clicks").delete(force=True)
    made = client.create_bucket("clicks")
    made.blob("log/day_0.tsv").upload_from_string(b"0" * 10)
    made.blob("log/day_1.tsv").upload_from_string(b"1" * 5)
    made.blob("log/old/day_2.tsv").upload_from_string(b"2")
    return made


@pytest.fixture(scope="session")
def comparison():
    """What a run brought."""
    from tests.components.evaluator.report.sample import sample_comparison

    return sample_comparison(2, chosen="full")


@pytest.fixture(scope="session")
def comparison_json(comparison):
    """The same as the Evaluator writes it."""
    return comparison.to_json()


@pytest.fixture
def quick(monkeypatch):
    """No pauses, and a pipeline that needs no TFX to compile."""
    from pipeline.vertex.api import service
    from pipeline.vertex.runs import watch

    monkeypatch.setattr(service, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.001)
    monkeypatch.setattr("pipeline.vertex.runs.submit._compile", lambda *_: small_job())


@pytest.fixture
def submit(quick, vertex, bucket, tmp_path, comparison_json):
    """Submits with further flags; returns the exit status."""
    from pipeline.vertex.cli import main

    vertex.outputs["Evaluator"] = {"comparison": COMPARISON}
    path = COMPARISON.removeprefix("gs://clicks/")
    bucket.blob(f"{path}/comparison.json").upload_from_string(comparison_json)

    def run(*flags):
        root = ["--root", str(tmp_path / "here"), "--endpoint", vertex.endpoint]
        return main(["submit", *SITE, *WHAT, *WHERE, *root, *flags])

    return run
