"""The notebook, executed from top to bottom in a copy of the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path("notebooks/study_colab.ipynb")


def test_notebook_is_valid_and_has_no_outputs():
    notebook = nbformat.read(ROOT / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_criteo_data_is_not_fetched_before_the_terms_are_accepted(tmp_path):
    notebook = nbformat.read(ROOT / NOTEBOOK, as_version=4)
    [cell] = [c.source for c in notebook.cells if "CRITEO_URL =" in c.source]

    def fetch(*_: object) -> None:
        raise AssertionError("fetched without consent")

    known = {"DATA": "criteo", "ACCEPT_CRITEO_TERMS": False, "WORK": tmp_path}
    with pytest.raises(SystemExit, match="ACCEPT_CRITEO_TERMS: expected True"):
        exec(cell, known | {"in_background": fetch})


@pytest.fixture
def checkout(tmp_path):
    """A copy of the tracked files whose environment is this one, as locked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    folder = tmp_path / "checkout"
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    environment = folder / ".venv"
    environment.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".synced":
            (environment / path.name).symlink_to(path)
    for name in ("requirements.txt", ".python-version"):
        os.utime(folder / name, (0, 0))
    (environment / ".synced").touch()  # newer than the lock: nothing is to be installed
    installer = folder / ".uv" / "bin" / "uv"
    installer.parent.mkdir(parents=True)
    installer.write_text("#!/bin/sh\nexit 1\n")
    installer.chmod(0o755)
    return folder


TINY_STUDY = """
preset: tiny
variants: {full: {embedding: {method: full}}, hashing: {embedding: {method: hashing}}}
methods: {batch_size: {trainer.batch_size: [64]}}
seeds: 1
"""


@pytest.mark.slow
def test_notebook_runs_from_top_to_bottom(checkout):
    notebook = nbformat.read(checkout / NOTEBOOK, as_version=4)
    (checkout / "tiny_study.yaml").write_text(TINY_STUDY)
    [parameters] = [c for c in notebook.cells if c.metadata.get("tags") == ["parameters"]]
    assert 'STUDY = "small"' in parameters.source
    parameters.source += '\nSTUDY = "tiny_study.yaml"'
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(checkout / "notebooks")}},
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    data = [output.data for output in outputs if output.output_type == "display_data"]
    assert sum("image/png" in each for each in data) >= 5
    summary = next(each["text/markdown"] for each in data if "text/markdown" in each)
    assert "| dataset | architecture | variant | method |" in summary
    assert (checkout / "runs/study_notebook/results/study/index.html").exists()
