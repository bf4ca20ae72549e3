"""The house rules that a reader relies on: imports go down only, and steps stay apart."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {"run_local": 3, "run_vertex": 3, "pipeline": 2, "components": 1, "schemas": 0}
SOURCES = sorted(
    path
    for pattern in ("run_*.py", "pipeline/**/*.py", "components/**/*.py", "schemas/**/*.py")
    for path in ROOT.glob(pattern)
)


def _imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def _step(parts: tuple[str, ...]) -> str | None:
    """The step that a dotted name belongs to; None for what all steps share."""
    is_step = len(parts) > 1 and parts[0] == "components" and (ROOT / Path(*parts[:2])).is_dir()
    return parts[1] if is_step else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_and_no_step_imports_another(path):
    here = path.relative_to(ROOT).with_suffix("").parts
    for module in _imported_modules(path):
        there = tuple(module.split("."))
        if there[0] not in LAYERS:
            continue
        assert LAYERS[there[0]] <= LAYERS[here[0]], f"{path} imports {module}, which lies above it"
        if _step(here) and _step(there):
            assert _step(here) == _step(there), f"{path} imports another step: {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_tfx_facing_files_import_tfx(path):
    names = {"component", "executor", "driver", "run_fn", "artifacts", "pipeline", "local_run"}
    names |= {"stepwise_runner", "local_beam"}
    if "vertex" in path.parts:
        names |= {"compile", "engines", "custom_job_executor", "endpoint_pusher_executor"}
        names |= {"example_gen_driver"}
    if path.stem in names:
        return
    assert not any(m.split(".")[0] == "tfx" for m in _imported_modules(path)), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_google_cloud_is_known_to_the_vertex_packages_alone(path):
    place = path.relative_to(ROOT).parts
    if place == ("run_vertex.py",) or place[:2] == ("pipeline", "vertex"):
        return
    modules = _imported_modules(path)
    assert not any(m.startswith(("google.cloud", "google.auth", "kfp")) for m in modules), path


def test_layers_cover_every_top_level_source():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages | {path.stem for path in ROOT.glob("run_*.py")} == set(LAYERS)
