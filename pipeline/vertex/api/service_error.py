"""What Google's services answer when something is wrong, in words that say what to do about it."""

import re
from http import HTTPStatus

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from components.errors import InputError

_LOGIN = (
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the "
    "file of a service account"
)
_AGAIN = "the same command may be given again; https://status.cloud.google.com tells of outages"
# A permission's beginning -> the smallest role that has it.
_ROLES = {
    "aiplatform.": "roles/aiplatform.user",
    "storage.buckets.": "roles/storage.legacyBucketReader",
    "storage.objects.": "roles/storage.objectUser",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser on the service account",
    "dataflow.": "roles/dataflow.developer",
    "cloudkms.": "roles/cloudkms.cryptoKeyEncrypterDecrypter for the service agent, on the key",
    "artifactregistry.": "roles/artifactregistry.reader",
}
_PERMISSION = re.compile(rf"\b((?:{'|'.join(map(re.escape, _ROLES))})[\w.]*)")
_DISABLED_API = re.compile(r"\b(\w+\.googleapis\.com)\b")
# What google-api-core puts before the service's words.
_URL = re.compile(r"^(?:GET|POST|PUT|PATCH|DELETE) http\S+: ")
# Of the system, deep in what urllib3 says.
_SYSTEM_ERROR = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")


class ServiceError(InputError):
    """A service of Google's refused a request or did not answer; the message tells the cure.

    Attributes:
      code: HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        """Makes the error of one request."""
        super().__init__(message)
        self.code = code


class OtherServiceError(Exception):
    """An error of a service that is not Google's, for `explain`; the message is what it said.

    Attributes:
      is_retryable: whether the same request may succeed a little later.
      cure: what to do about it.
      code: HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, is_retryable: bool, cure: str, code: int | None) -> None:
        """Makes the error of one request."""
        super().__init__(message)
        self.is_retryable, self.cure, self.code = is_retryable, cure, code


def is_retryable(error: BaseException | None) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, OtherServiceError):
        return error.is_retryable
    if isinstance(error, api.GoogleAPICallError):
        return error.code in (408, 429, 500, 502, 503, 504)
    if isinstance(error, auth.TransportError):
        return True
    if isinstance(error, requests.exceptions.SSLError):
        return False
    return isinstance(
        error,
        (
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ),
    )


def explain(what: str, error: Exception, num_attempts: int = 1) -> ServiceError | None:
    """Words an error of a request; None for one that is not a service's.

    Args:
      what: was to be done, for example `"create the pipeline job a-1"`.
      error: of google-api-core, google-auth or requests.
      num_attempts: how often the request was sent.
    """
    tried = f" ({num_attempts} attempts)" if num_attempts > 1 else ""
    if isinstance(error, api.GoogleAPICallError):
        code = int(error.code or 0)
        said = _URL.sub("", " ".join(str(error.message).split())) or "no reason given"
        status = f"{code} {HTTPStatus(code).phrase}" if code in set(HTTPStatus) else f"{code}"
        return ServiceError(f"{what}: {status}{tried}: {said}; {_cure(what, code, said)}", code)
    if isinstance(error, OtherServiceError):
        return ServiceError(f"{what}: {error}{tried}; {error.cure}", error.code)
    if isinstance(error, auth.DefaultCredentialsError):
        return ServiceError(f"{what}: no Google credentials on this machine; {_LOGIN}")
    if isinstance(error, auth.TransportError):
        return ServiceError(f"{what}: no answer from Google's sign-in{tried}: {own_words(error)}")
    if isinstance(error, auth.GoogleAuthError):
        return ServiceError(
            f"{what}: the Google credentials of this machine are not valid: {own_words(error)}; "
            f"{_LOGIN}"
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ServiceError(f"{what}: no answer in time{tried}; check the network; {_AGAIN}")
    if isinstance(error, requests.exceptions.RequestException):
        return ServiceError(
            f"{what}: no connection{tried}: {own_words(error)}; check the network, the proxy "
            "(HTTPS_PROXY) and --region"
        )
    return None


def own_words(error: Exception) -> str:
    """Returns an error's own words: those of the system, else one line of 200 characters."""
    text = " ".join(str(error.args[0] if error.args else error).split())
    found = _SYSTEM_ERROR.search(text)
    return found[1] if found else text[:200]


def _cure(what: str, code: int, said: str) -> str:
    if code == 401:
        return f"the credentials are missing or not valid any more: {_LOGIN}"
    if code == 403:
        return _permission_cure(said)
    if code == 404:
        if "gs://" in what:
            return "correct the name; `gcloud storage buckets create gs://NAME` makes a bucket"
        return (
            "check --project, --region and the name; the API must be on: "
            "`gcloud services enable aiplatform.googleapis.com`"
        )
    if code == 409:
        return "something of that name exists already: look at it with `status`, or submit again"
    if code == 429:
        return (
            "the project's quota is used up: wait for other jobs to end, or ask for more at "
            "https://console.cloud.google.com/iam-admin/quotas (filter by the metric named above)"
        )
    if code >= 500 or code == 408:
        return _AGAIN
    return "correct what it names; `submit --dry-run` shows what is sent"


def _permission_cure(said: str) -> str:
    if "disabled" in said or "has not been used" in said:
        found = _DISABLED_API.search(said)
        name = found[1] if found else "aiplatform.googleapis.com"
        return f"turn it on: `gcloud services enable {name}`"
    found = _PERMISSION.search(said)
    if found is None:
        return (
            "the account lacks a role; roles/aiplatform.user is what submitting needs "
            "(docs/vertex.md lists the roles)"
        )
    role = next(role for start, role in _ROLES.items() if found[1].startswith(start))
    return (
        f"the account lacks the permission {found[1]}: ask for {role}, for example `gcloud "
        f"projects add-iam-policy-binding PROJECT --member user:YOU --role {role.split()[0]}`"
    )
