"""Beam beyond one process: a job service, a worker pool, and our package as workers get it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_COMMANDS = ("run_local.py", "run_vertex.py")
_PACKAGED = ("components", "pipeline", "schemas", "pyproject.toml", "README.md", *_COMMANDS)
_BUILD_WHEEL = "from setuptools import build_meta; build_meta.build_wheel('dist')"
_START_SECONDS = 60


def install_package(folder: Path) -> Path:
    """Builds the project's wheel and unpacks it; returns the folder to put on `PYTHONPATH`.

    Workers get the project in this form, so a file that the wheel lacks shows up as it would
    there. The build works on a copy, since it leaves files beside the sources.
    """
    source, installed = folder / "source", folder / "installed"
    source.mkdir(parents=True)
    for name in _PACKAGED:
        if (PROJECT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, source / name, ignore=ignored)
        else:
            shutil.copy(PROJECT / name, source / name)
    subprocess.run(
        [sys.executable, "-c", _BUILD_WHEEL], cwd=source, check=True, capture_output=True
    )
    [wheel] = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    return installed


@contextmanager
def portable_services(folder: Path, python_path: Path, limit_seconds: float) -> Iterator[list[str]]:
    """Starts Beam's job service and a worker pool; ends them and their workers with the block.

    Every job gets a fresh worker process, which sees nothing of this project but `python_path`.
    What the services print is kept in `folder` and shown if the block fails.

    Args:
      folder: made for logs, staged and temporary files.
      python_path: the folder of the installed project.
      limit_seconds: after this time the services are killed, which fails what waits for them.

    Yields:
      The Beam arguments that send a pipeline there.

    Raises:
      RuntimeError: if a service does not start.
    """
    folder.mkdir(parents=True)
    port_file, pool_port = folder / "job_port", _free_port()
    services: list[subprocess.Popen[bytes]] = []
    guard = threading.Timer(limit_seconds, _kill, [services])
    guard.start()
    try:
        services.append(
            _start(
                folder,
                python_path,
                "apache_beam.runners.portability.local_job_service_main",
                "--port=0",
                f"--port_file={port_file}",
                f"--staging_dir={folder / 'staging'}",
            )
        )
        services.append(
            _start(
                folder,
                python_path,
                "apache_beam.runners.worker.worker_pool_main",
                f"--service_port={pool_port}",
            )
        )
        _wait_until(lambda: port_file.exists() and _listens(pool_port), services)
        yield [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{port_file.read_text()}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool_port}",
            # Keeps TFX from packing itself for workers that have it, and Beam from running pip.
            "--sdk_container_image=unused",
            "--experiments=disable_logging_submission_environment",
        ]
    except BaseException:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-20_000:]}")
        raise
    finally:
        guard.cancel()
        _kill(services)


def num_workers_started(folder: Path) -> int:
    """Returns how many workers the pool in `folder` has started."""
    return (folder / "worker_pool_main.log").read_text().count("Starting worker")


def _start(folder: Path, python_path: Path, module: str, *flags: str) -> subprocess.Popen[bytes]:
    """Starts a module as the leader of a process group, its output in a log of its name."""
    environment = {
        **os.environ,
        # The worker pool starts its workers with the first `python` of the path.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(python_path),
        "TMPDIR": str(folder),
    }
    with (folder / f"{module.rpartition('.')[2]}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *flags],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _kill(services: list[subprocess.Popen[bytes]]) -> None:
    """Kills the process groups: services and workers."""
    for service in services:
        try:
            os.killpg(service.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        service.wait()


def _wait_until(ready: Callable[[], bool], services: list[subprocess.Popen[bytes]]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not ready():
        for service in services:
            if service.poll() is not None:
                raise RuntimeError(f"{service.args!r} ended with status {service.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"the services are not ready after {_START_SECONDS} s")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0
