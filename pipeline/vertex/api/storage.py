"""Cloud Storage: whether a run can write there, what its data weighs, what it left.

With STORAGE_EMULATOR_HOST set, google-cloud-storage talks to that server instead.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from google.cloud.storage import Client

from components.errors import InputError
from pipeline.vertex.api.service import TIMEOUT_SECONDS, call

_NEEDED = ("storage.objects.create", "storage.objects.get", "storage.objects.list")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Files:
    """What a pattern matches.

    Attributes:
      num_files: how many.
      num_bytes: of all together, as they are stored.
    """

    num_files: int
    num_bytes: int


class Storage:
    """Reads Cloud Storage as the application-default account."""

    def __init__(self, project: str | None) -> None:
        """Names the project that pays for requests; None is the account's own."""
        self._project = project

    @cached_property
    def _client(self) -> Client:
        return call("sign in", lambda: Client(project=self._project))

    def check_writable(self, folder: str) -> None:
        """Checks that a run can keep its files under a folder. Writes nothing.

        Raises:
          ServiceError: if the bucket is not there or cannot be asked.
          InputError: if this account may not write there.
        """
        name, _ = split_uri(folder)
        bucket = self._client.bucket(name)
        held = call(
            f"check the bucket gs://{name}",
            lambda: bucket.test_iam_permissions(list(_NEEDED), timeout=TIMEOUT_SECONDS, retry=None),
        )
        if missing := [each for each in _NEEDED if each not in held]:
            raise InputError(
                f"gs://{name}: this account lacks {', '.join(missing)}; ask for "
                f"roles/storage.objectUser on the bucket: `gcloud storage buckets "
                f"add-iam-policy-binding gs://{name} --member user:YOU --role "
                "roles/storage.objectUser`"
            )

    def files(self, pattern: str) -> Files:
        """Weighs the files that a pattern matches; `{SPAN}` and its like stand for any text.

        Raises:
          InputError: if it matches none.
          ServiceError: if the bucket cannot be listed.
        """
        sizes = [size for _, size in self._match(pattern)]
        if not sizes:
            raise InputError(f"--data: expected files, but {pattern} matches none")
        return Files(len(sizes), sum(sizes))

    def newest(self, pattern: str) -> str | None:
        """Returns the uri of a file that a pattern matches, the last by name; None without."""
        found = sorted(uri for uri, _ in self._match(pattern))
        return found[-1] if found else None

    def read_text(self, uri: str) -> str:
        """Returns the text of a file.

        Raises:
          ServiceError: if it cannot be read.
        """
        bucket, name = split_uri(uri)
        blob = self._client.bucket(bucket).blob(name)
        content: bytes = call(
            f"read {uri}",
            lambda: blob.download_as_bytes(timeout=TIMEOUT_SECONDS, retry=None),
        )
        return content.decode()

    def _match(self, pattern: str) -> list[tuple[str, int]]:
        bucket, path = split_uri(_PLACEHOLDER.sub("*", pattern))
        return call(
            f"list {pattern}",
            lambda: [
                (f"gs://{bucket}/{blob.name}", int(blob.size))
                for blob in self._client.list_blobs(
                    bucket, match_glob=path, timeout=TIMEOUT_SECONDS, retry=None
                )
            ],
        )


def split_uri(uri: str) -> tuple[str, str]:
    """Returns the bucket and the name of `gs://BUCKET/NAME`."""
    if not uri.startswith("gs://"):
        raise InputError(f"expected a file on Cloud Storage, gs://BUCKET/NAME, received {uri!r}")
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return bucket, name
