import pytest

from pipeline.study.outcome import write_outcome
from tests.browser import browser  # noqa: F401
from tests.pipeline.study.outcome.sample import simulated


@pytest.fixture(scope="package")
def small(tmp_path_factory):
    """The folder of a study of two datasets, two variants and a method of one of them."""
    folder = tmp_path_factory.mktemp("study")
    study = simulated(
        ("1MB", "10MB"), ("dlrm",), ("full", "hashing"), ("batch_size",), ("full",), 2,
        num_evaluations=3,
    )  # fmt: skip
    assert write_outcome(folder, *study) == folder / "index.html"
    return folder
