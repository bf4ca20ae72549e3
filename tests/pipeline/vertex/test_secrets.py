"""Credentials travel in the header of a request and are nowhere else."""

import pytest
from google.oauth2.credentials import Credentials

from pipeline.vertex.api import service
from tests.pipeline.vertex.fake_vertex import Fault

TOKEN = "ya29.this-is-the-secret"


@pytest.fixture(autouse=True)
def account(monkeypatch):
    """Requests are signed with a token, though they go to this machine."""
    monkeypatch.setattr(service, "AnonymousCredentials", lambda: Credentials(token=TOKEN))


def _everything(tmp_path, vertex, bucket, capsys):
    captured = capsys.readouterr()
    texts = [captured.out, captured.err, repr(vertex.resources)]
    texts += [repr((each.path, each.query, each.body)) for each in vertex.requests]
    texts += [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    texts += [blob.download_as_bytes().decode() for blob in bucket.list_blobs()]
    return "\n".join(texts)


def test_token_is_in_the_header_alone(submit, vertex, bucket, tmp_path, capsys):
    vertex.faults.append(Fault("POST", 503, "busy"))
    assert submit("--wait") == 0
    headers = [
        {key.lower(): value for key, value in each.headers.items()} for each in vertex.requests
    ]
    assert {each["authorization"] for each in headers} == {f"Bearer {TOKEN}"}
    assert TOKEN not in _everything(tmp_path, vertex, bucket, capsys)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_token_is_in_no_error(submit, vertex, bucket, tmp_path, capsys, status):
    vertex.faults.append(Fault("POST", status, "no", times=99))
    assert submit() == 1
    assert vertex.requests
    said = _everything(tmp_path, vertex, bucket, capsys)
    assert "create the pipeline job" in said
    assert TOKEN not in said


def test_token_is_in_no_dry_run(submit, vertex, bucket, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("google.auth.default", lambda: (Credentials(TOKEN, account="me@x.org"), ""))
    assert submit("--dry-run") == 0
    said = _everything(tmp_path, vertex, bucket, capsys)
    assert "me@x.org" in said
    assert TOKEN not in said
