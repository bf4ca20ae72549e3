import json

import pytest
from google.auth import exceptions

from pipeline.vertex.api.account import describe_account

USER = {
    "type": "authorized_user",
    "account": "me@example.com",
    "client_id": "id",
    "client_secret": "SECRET-1",
    "refresh_token": "SECRET-2",
}


@pytest.fixture
def credentials_file(tmp_path, monkeypatch):
    path = tmp_path / "credentials.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "ads-12345")
    return path


def test_user_is_named_and_nothing_secret(credentials_file):
    credentials_file.write_text(json.dumps(USER))
    assert describe_account() == "me@example.com (application-default credentials)"


def test_nameless_credentials_are_described(credentials_file):
    credentials_file.write_text(json.dumps({**USER, "account": ""}))
    assert describe_account() == "the application-default credentials, which name no account"


def test_machine_without_credentials_says_so(monkeypatch):
    def default():
        raise exceptions.DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", default)
    assert describe_account().startswith("nobody: no credentials here; run `gcloud auth")
