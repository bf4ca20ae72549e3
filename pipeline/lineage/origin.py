"""How a run was started: its command line and the commit of the checkout, in ML Metadata.

They are custom properties of the run's context and of no step, so no cache key knows them.
"""

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.lineage.records import Origin

# The type of TFX's context of a run.
RUN_CONTEXT = "pipeline_run"
_ROOT = Path(__file__).resolve().parents[2]
_COMMAND, _COMMIT, _CHANGES = "command", "commit", "has_local_changes"
_HIDDEN = "***"
_SECRET_NAME = r"[\w.-]*(?:password|passwd|secret|token|credential|key|sig|signature|auth)\b"
# `--beam=--password=x y`, `{"password": "x"}`: all to the end, for a secret may hold anything.
_SECRETS = re.compile(rf"(?i)({_SECRET_NAME}[\"']?\s*[=:]).+", re.DOTALL)
# `--beam=--password`, whose value is the next argument.
_BARE_SECRET = re.compile(rf"(?i)(?:--beam=)?--?{_SECRET_NAME}")
_NEXT_VALUE = re.compile(r"(--beam=)?.*", re.DOTALL)
# `https://user:x@host`.
_USER = re.compile(r"(://)\S*@")


def read_origin(script: str, arguments: Sequence[str], checkout: Path = _ROOT) -> Origin:
    """Returns how the running process was started.

    Args:
      script: its name, relative to the checkout.
      arguments: of the command line.
      checkout: the folder of the code.
    """
    command = shlex.join([script, *_without_secrets(arguments)])
    top = _git(checkout, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != checkout.resolve():
        return Origin(command)  # no checkout, or a copy inside another one
    commit = _git(checkout, "rev-parse", "HEAD")
    changes = _git(checkout, "status", "--porcelain")
    if commit is None or changes is None:
        return Origin(command)
    return Origin(command, commit, bool(changes))


def _without_secrets(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with `***` in place of what looks like a secret."""
    shown = []
    is_secret = False
    for argument in arguments:
        if is_secret:
            found = _NEXT_VALUE.fullmatch(argument)
            shown.append(f"{(found and found[1]) or ''}{_HIDDEN}")
        else:
            hidden = _SECRETS.sub(rf"\1{_HIDDEN}", argument)
            shown.append(_USER.sub(rf"\1{_HIDDEN}@", hidden))
        is_secret = not is_secret and _BARE_SECRET.fullmatch(argument) is not None
    return shown


def _git(checkout: Path, *arguments: str) -> str | None:
    """Returns what git prints; None if it cannot be asked."""
    command = ["git", "--no-optional-locks", "-C", str(checkout), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def record_origin(metadata_path: Path, run_id: str, origin: Origin) -> None:
    """Writes the origin of a run beside what TFX keeps of it, once.

    Args:
      metadata_path: the sqlite file; nothing is written if it is not there.
      run_id: of the run; nothing is written if TFX does not know it yet.
      origin: of the run.
    """
    if not metadata_path.is_file():
        return
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata_path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE
    store = MetadataStore(config)
    context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    if context is None or origin_of(context):
        return
    for name, value in asdict(origin).items():
        if isinstance(value, bool):
            context.custom_properties[name].bool_value = value
        elif value is not None:
            context.custom_properties[name].string_value = value
    store.put_contexts([context])


def origin_of(context: mlmd.Context) -> Origin | None:
    """Returns the origin that is recorded with a run; None if there is none."""
    found = context.custom_properties
    if _COMMAND not in found:
        return None
    return Origin(
        command=found[_COMMAND].string_value,
        commit=found[_COMMIT].string_value if _COMMIT in found else None,
        has_local_changes=found[_CHANGES].bool_value if _CHANGES in found else None,
    )
