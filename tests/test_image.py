"""The container image: what goes into it, and its install steps in a fresh environment."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.image_build import (
    PROJECT,
    install,
    is_in_context,
    read_ignore_patterns,
    read_stage,
    sources,
)

PACKAGES = ("components/", "pipeline/", "schemas/")
_LOCKED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Package -> version."""
    return dict(_LOCKED.findall((PROJECT / name).read_text()))


def test_the_dockerfile_passes_the_linter():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, PROJECT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        ".uv/bin/uv",
        "runs/demo/metadata.sqlite",
        "data/day_0.tsv",
        "shared/data/rows.tsv",
        "key.json",
        "tests/test_image.py",
        "requirements.txt",
        "components/__pycache__/files.cpython-310.pyc",
        "pipeline/vertex/__pycache__/cli.cpython-310.pyc",
    ],
)
def test_what_runs_do_not_need_stays_out(path):
    assert not is_in_context(path, read_ignore_patterns())


def test_every_source_of_the_packages_goes_in():
    needed = [name for name in sources() if name.startswith((*PACKAGES, "run_"))]
    assert "pipeline/presets/demo.yaml" in needed
    assert [name for name in needed if not is_in_context(name, read_ignore_patterns())] == []


def test_the_runtime_lock_is_the_whole_lock_without_what_development_needs():
    runtime, all_packages = locked("requirements-runtime.txt"), locked("requirements.txt")
    assert runtime.items() <= all_packages.items()
    assert {"tfx", "tensorflow", "google-cloud-aiplatform"} <= runtime.keys()
    assert {
        "pytest",
        "mypy",
        "ruff",
        "gcp-storage-emulator",
    } <= all_packages.keys() - runtime.keys()


def test_versions_of_the_image_are_those_of_the_lock():
    text, packages = (PROJECT / "Dockerfile").read_text(), locked("requirements-runtime.txt")
    python = (PROJECT / ".python-version").read_text().strip()
    assert f"PYTHON_IMAGE=python:{python}-slim" in text
    assert f"BEAM_IMAGE=apache/beam_python{python}_sdk:{packages['apache-beam']}\n" in text
    tensorflow = re.findall(r"tensorflow(?:\[and-cuda\]|-tpu)==([\w.]+)", text)
    assert tensorflow == [packages["tensorflow"]] * 2


def test_environments_of_all_variants_come_from_the_same_steps():
    commands = [rest for keyword, rest in read_stage("build") if keyword == "RUN"]
    assert [command for command in commands if command.startswith("make")] == [
        "make setup VENV=/opt/dlrm LOCK=requirements-runtime.txt",
        "make install VENV=/opt/dlrm LOCK=requirements-runtime.txt",
    ]
    for variant, source in [("runtime", "build"), ("gpu", "build-gpu"), ("tpu", "build-tpu")]:
        assert ("COPY", f"--from={source} /opt/dlrm /opt/dlrm") in read_stage(variant)


@pytest.mark.parametrize("variant", ["runtime", "gpu"])
def test_variants_without_a_tpu_do_not_run_as_root(variant):
    assert read_stage(variant)[-1] == ("USER", "1000")


def test_cloud_build_builds_stages_that_exist():
    build = yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())
    for variant in build["substitutions"]["_VARIANTS"].split():
        assert read_stage(variant), variant


def test_cloud_build_substitutes_what_is_declared_and_leaves_the_shell_its_own():
    text = (PROJECT / "cloudbuild.yaml").read_text()
    declared = set(yaml.safe_load(text)["substitutions"])
    steps = "\n".join(yaml.safe_load(text)["steps"][0]["args"])
    assert set(re.findall(r"(?<!\$)\$\{?(_\w+)", steps)) == declared
    # `$image` would be taken for a substitution; `$$image` is the shell's.
    assert set(re.findall(r"(?<!\$)\$\{?(\w+)", steps)) == declared | {"PROJECT_ID"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Iterator[Path]:
    """A fresh environment, made by the commands of the Dockerfile; gives its Python."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "context").mkdir()
    install(folder / "context", folder / "environment")
    yield folder / "environment/bin/python"
    shutil.rmtree(folder)  # gigabytes, of which pytest would keep three


def run_in_image(python: Path, folder: Path, *arguments: str) -> str:
    """Runs Python as a container would, in a folder that has none of our sources."""
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        env={**environment, "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_the_container_executor_starts_in_a_fresh_environment(installed, tmp_path):
    module = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
    assert "--executor_class_path" in run_in_image(installed, tmp_path, "-m", module, "--help")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run_local", "run_vertex"])
def test_the_commands_start_in_a_fresh_environment(installed, tmp_path, command):
    assert "usage:" in run_in_image(installed, tmp_path, "-m", command, "--help")


@pytest.mark.slow
def test_every_module_of_the_packages_imports_without_what_development_needs(installed, tmp_path):
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in sources()
        if name.startswith(PACKAGES) and name.endswith(".py") and not name.endswith("__main__.py")
    ]
    program = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    run_in_image(installed, tmp_path, "-c", program, *modules)


@pytest.mark.slow
def test_data_files_of_the_packages_are_installed(installed, tmp_path):
    data = [name for name in sources() if name.startswith(PACKAGES) and name[-3:] != ".py"]
    assert "components/evaluator/report/assets/page.css" in data
    place = run_in_image(installed, tmp_path, "-c", "import schemas; print(schemas.__path__[0])")
    folder = Path(place.strip()).parent
    assert [name for name in data if not (folder / name).is_file()] == []


@pytest.mark.slow
def test_packages_of_development_are_not_installed(installed, tmp_path):
    program = "import importlib.util as u; print([n for n in ('pytest', 'mypy') if u.find_spec(n)])"
    assert run_in_image(installed, tmp_path, "-c", program) == "[]\n"
