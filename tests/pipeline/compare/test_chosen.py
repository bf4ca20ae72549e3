from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.compare.chosen import ChosenModel, find_chosen
from pipeline.lineage.store import read_snapshot
from tests.pipeline.compare.recorded import RunToRecord, record_cached_run, record_run
from tests.pipeline.lineage.tfx_store import TfxStore


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: `day-1` chose hashing, `day-2` full, `day-3` nothing, `day-1-again` is cached."""
    folder = tmp_path_factory.mktemp("root")
    record_run(folder, RunToRecord("day-1"))
    record_run(folder, RunToRecord("day-2", variant="full"))
    record_cached_run(folder, "again-1", of="day-1")
    record_run(folder, RunToRecord("none-3", variant=None))
    TfxStore(folder).start_run("stopped-4")
    return folder


def find(root: Path, run_id: str | None) -> ChosenModel:
    return find_chosen(read_snapshot(root), root, run_id)


def test_the_chosen_model_is_the_trainers_with_what_it_was_made_of(root: Path) -> None:
    chosen = find(root, "day-2")
    folder = root / "artifacts" / "day-2"
    assert (chosen.run.id, chosen.variant) == ("day-2", "full")
    assert chosen.num_replicas == {"full": 1, "hashing": 1}
    artifacts = (chosen.model, chosen.model_run, chosen.examples, chosen.transform_graph)
    expected = [str(folder / n) for n in ("model", "full", "examples", "transform_graph")]
    assert [artifact.uri for artifact in artifacts] == expected
    assert chosen.quarantine is not None
    assert chosen.quarantine.uri == str(folder / "quarantine")


def test_steps_of_a_cached_run_are_those_that_did_the_work(root: Path) -> None:
    first, again = find(root, "day-1"), find(root, "again-1")
    assert again.run.id == "again-1"
    assert again.model == first.model
    assert again.steps == first.steps
    assert set(first.steps) == {
        "ExampleGen",
        "Transform",
        "Trainer_full",
        "Trainer_hashing",
        "Evaluator",
    }


def test_the_first_characters_of_a_run_are_enough_where_they_name_one(root: Path) -> None:
    assert find(root, "again").run.id == "again-1"
    with pytest.raises(InputError, match=r"'day' names 2 runs of .*; expected one of day-1, day-2"):
        find(root, "day")


def test_a_run_in_which_nothing_was_chosen_is_refused_with_the_reason(root: Path) -> None:
    with pytest.raises(InputError, match=r"run none-3 chose no variant.* says: full loses"):
        find(root, "none-3")


def test_the_newest_run_that_has_compared_is_taken_even_if_it_chose_nothing(root: Path) -> None:
    with pytest.raises(InputError, match="run none-3 chose no variant"):
        find(root, None)


def test_a_run_that_did_not_come_to_its_comparison_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="run stopped-4 has not compared its variants"):
        find(root, "stopped-4")


def test_a_root_without_a_comparison_is_refused(tmp_path: Path) -> None:
    TfxStore(tmp_path).start_run("run-1")
    with pytest.raises(InputError, match="no run has compared its variants to the end"):
        find(tmp_path, None)
