"""The compiler in a process of its own, with the environment that it needs without a chip."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.trainer.preflight.compiler import WRONG_ENVIRONMENT

TIMEOUT_SECONDS = 1800.0
_MODULE = "components.trainer.preflight.compiler"
_ROOT = Path(__file__).resolve().parents[3]
DEFAULT_PYTHON = _ROOT / ".venv-preflight/bin/python"
_LOG_LINES = 12
# Without a chip and without Google's metadata server; several compilers may run at once.
_NO_CHIP = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_LOG_DIR": "disabled",
    "TPU_MIN_LOG_LEVEL": "3",
    "TPU_STDERR_LOG_LEVEL": "3",
}


@dataclass(frozen=True)
class Compilation:
    """What came of a compile.

    Attributes:
      status: `"compiled"`, `"refused"` by the compiler, or `"died"`: it ended without a result.
      message: why not.
      seconds: how long it took; None if it died.
      memory: bytes by name, see `compiler.jax_private.Compiled`.
      cost: likewise.
      versions: package -> version of what compiled.
      before: the program's text before the compiler's work; empty if it was not kept.
      after: the same after it.
    """

    status: str
    message: str = ""
    seconds: float | None = None
    memory: dict[str, int] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""


def compile_in_process(
    program: bytes,
    manifest: Mapping[str, Any],
    chip: str,
    python: Path,
    keep_text: bool = True,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Compilation:
    """Compiles a program and waits for the end.

    Args:
      program: a serialized `HloModuleProto`.
      manifest: what stands with it; `num_chips` is read.
      chip: a name of `chips.CHIPS`.
      python: the interpreter of the compiler's environment.
      keep_text: whether the program's text is given back.
      timeout_seconds: after so many it counts as died.

    Raises:
      InputError: if there is no such interpreter, or JAX and libtpu there are not the expected.
    """
    if not python.exists():
        raise InputError(f"expected the compiler's environment at {python}: run `make preflight`")
    with tempfile.TemporaryDirectory(prefix="preflight-") as name:
        folder = Path(name)
        (folder / "program.pb").write_bytes(program)
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        dump = folder / "dump" if keep_text else None
        failure = _run(python, folder, chip, dump, timeout_seconds)
        texts = _texts(dump)
        result_path = folder / "result.json"
        if failure or not result_path.exists():
            message = failure or _log_end(folder)
            return Compilation("died", message, before=texts["before"], after=texts["after"])
        result = json.loads(result_path.read_text(encoding="utf-8"))
        return Compilation(**result, before=texts["before"], after=texts["after"])


def _run(python: Path, folder: Path, chip: str, dump: Path | None, timeout_seconds: float) -> str:
    """Runs the process; returns why it gave no result, or nothing."""
    environment = {**os.environ, **_NO_CHIP, "PYTHONPATH": str(_ROOT)}
    environment.pop("XLA_FLAGS", None)
    if dump is not None:
        environment["XLA_FLAGS"] = f"--xla_dump_to={dump} --xla_dump_hlo_as_text"
    # Absolute, for the process has another working folder; a link is not followed to its target.
    command = [str(python.absolute()), "-m", _MODULE, str(folder / "program.pb"), "--chip", chip]
    command += ["--manifest", str(folder / "manifest.json")]
    command += ["--result", str(folder / "result.json")]
    with (folder / "log").open("wb") as log:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no result after {timeout_seconds:.0f} s"
    if done.returncode == WRONG_ENVIRONMENT:
        raise InputError(_log_end(folder).removeprefix("preflight compiler: "))
    if done.returncode:
        return f"ended with {done.returncode}\n{_log_end(folder)}"
    return ""


def _texts(dump: Path | None) -> dict[str, str]:
    """The texts of the main program: what libtpu adds for other cores has higher numbers."""
    texts = {}
    for when in ("before", "after"):
        files = sorted(dump.glob(f"module_*.{when}_optimizations.txt")) if dump else []
        texts[when] = files[0].read_text(encoding="utf-8") if files else ""
    return texts


def _log_end(folder: Path) -> str:
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines[-_LOG_LINES:] if line.strip())
