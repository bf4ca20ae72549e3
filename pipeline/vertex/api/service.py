"""Vertex AI's clients, and requests that are sent again where that helps and is safe."""

import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import google.auth
from google.api_core.exceptions import AlreadyExists, Conflict
from google.api_core.retry import exponential_sleep_generator
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.aiplatform_v1 import (
    JobServiceClient,
    PipelineServiceClient,
    ScheduleServiceClient,
)
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceRestTransport
from google.cloud.aiplatform_v1.services.pipeline_service.transports import (
    PipelineServiceRestTransport,
)
from google.cloud.aiplatform_v1.services.schedule_service.transports import (
    ScheduleServiceRestTransport,
)

from components.errors import InputError
from pipeline.vertex.api.service_error import ServiceError, explain, is_retryable

__all__ = ["TIMEOUT_SECONDS", "Service", "ServiceError", "call", "create_once"]

# Give it to every request: the clients' own default is to wait for ever.
TIMEOUT_SECONDS = 60.0
MAX_ATTEMPTS = 6
FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 32.0
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

T = TypeVar("T")


class Service:
    """Makes the clients of Vertex AI in one region. They speak REST; nothing is sent here."""

    def __init__(
        self, region: str, endpoint: str | None = None, credentials: Credentials | None = None
    ) -> None:
        """Chooses where requests go and who sends them.

        Args:
          region: such as `us-central1`.
          endpoint: another host of the API, or `http://127.0.0.1:PORT` of a server on this machine;
            None is Google's in the region.
          credentials: None is the application-default ones, and none at all for a server on this
            machine.

        Raises:
          InputError: if the endpoint is not on this machine and not https.
        """
        parts = urlsplit(
            endpoint if endpoint and "://" in endpoint else f"https://{endpoint or _host(region)}"
        )
        self._is_local = parts.hostname in _LOOPBACK
        if parts.scheme != "https" and not self._is_local:
            raise InputError(
                f"endpoint: expected https (credentials travel with each request), or http on "
                f"127.0.0.1; received {endpoint!r}"
            )
        self._host, self._scheme = parts.netloc, parts.scheme
        self._credentials = credentials

    def credentials(self) -> Credentials:
        """Returns what requests are signed with; the same for all clients.

        Raises:
          ServiceError: if this machine has no credentials.
        """
        if self._credentials is None:
            self._credentials = AnonymousCredentials() if self._is_local else _default()
        return self._credentials

    def jobs(self) -> JobServiceClient:
        """Returns the client for custom jobs."""
        return JobServiceClient(
            transport=JobServiceRestTransport(
                host=self._host, url_scheme=self._scheme, credentials=self.credentials()
            )
        )

    def pipelines(self) -> PipelineServiceClient:
        """Returns the client for pipeline jobs."""
        return PipelineServiceClient(
            transport=PipelineServiceRestTransport(
                host=self._host, url_scheme=self._scheme, credentials=self.credentials()
            )
        )

    def schedules(self) -> ScheduleServiceClient:
        """Returns the client for schedules."""
        return ScheduleServiceClient(
            transport=ScheduleServiceRestTransport(
                host=self._host, url_scheme=self._scheme, credentials=self.credentials()
            )
        )


def _host(region: str) -> str:
    return f"{region}-aiplatform.googleapis.com"


def _default() -> Credentials:
    credentials, _ = call("sign in", lambda: google.auth.default(scopes=_SCOPES))
    return credentials


def call(what: str, request: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Sends a request that may be sent twice; again after a while if the error is a passing one.

    Args:
      what: the request does, for error messages: `"read the pipeline job a-1"`.
      request: sends it once, with a timeout.
      sleep: waits so many seconds.

    Returns:
      what the request returned.

    Raises:
      ServiceError: if it failed; says why and what to do.
    """
    waits = exponential_sleep_generator(FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return request()
        except Exception as error:
            if attempt < MAX_ATTEMPTS and is_retryable(error):
                sleep(next(waits))
                continue
            explained = explain(what, error, attempt)
            if explained is None:
                raise
            raise explained from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def create_once(
    what: str,
    create: Callable[[], T],
    find: Callable[[], T | None],
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Creates something exactly once, even if an answer is lost on the way.

    A create that failed may have been carried out. So before it is sent again, `find` looks.

    Args:
      what: is created, for error messages: `"create the custom job b"`.
      create: sends the request.
      find: returns what an earlier `create` of ours made, or None.
      sleep: waits so many seconds.

    Returns:
      what was created.

    Raises:
      ServiceError: if it could not be created, or something of that name was there before.
    """
    num_sent = 0

    def create_unless_found() -> T:
        nonlocal num_sent
        if num_sent and (found := find()) is not None:
            return found
        num_sent += 1
        try:
            return create()
        except (AlreadyExists, Conflict):
            found = find() if num_sent > 1 else None
            if found is None:
                raise
            return found

    try:
        return call(what, create_unless_found, sleep)
    except ServiceError as error:
        # Too many requests: none of them was carried out.
        if error.code == 429 or not is_retryable(error.__cause__):
            raise
        said = f"{error}; but look first whether it was created all the same"
        raise ServiceError(said, error.code) from error.__cause__
