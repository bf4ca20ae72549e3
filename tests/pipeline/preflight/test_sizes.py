import json
from pathlib import Path

import pytest

from components.errors import InputError
from components.features import Features, write_features
from pipeline.lineage.store import read_snapshot
from pipeline.preflight.default_sizes import DENSE_WIDTH, VOCABULARY_SIZES
from pipeline.preflight.sizes import find_sizes, sizes_of_file, sizes_of_run
from schemas.criteo import CLICK_LOG
from tests.pipeline.lineage.tfx_store import TfxStore


def _file(folder, content):
    path = folder / "sizes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_file_gives_sizes_and_dense_width(tmp_path):
    sizes = sizes_of_file(_file(tmp_path, {"C2": 7, "C1": 1000, "dense_width": 13}))
    assert sizes.vocabulary_sizes == {"C2": 7, "C1": 1000}
    assert list(sizes.vocabulary_sizes) == ["C2", "C1"]
    assert sizes.dense_width == 13
    assert sizes.total_rows == 1007


def test_file_without_dense_width_has_no_dense_features(tmp_path):
    assert sizes_of_file(_file(tmp_path, {"C1": 2})).dense_width == 0


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "expected a JSON file"),
        ([1], "expected"),
        ({"dense_width": 13}, "expected"),
        ({"C1": 0}, "C1: expected an integer of 1 or more, received 0"),
        ({"C1": 2.5}, "C1: expected an integer of 1 or more, received 2.5"),
        ({"C1": True}, "C1: expected an integer of 1 or more, received True"),
        ({"C1": 5, "dense_width": -1}, "dense_width: expected an integer of 0 or more"),
    ],
)
def test_wrong_file_is_refused_by_name_and_field(tmp_path, content, named):
    path = _file(tmp_path, content)
    with pytest.raises(InputError, match=named) as error:
        sizes_of_file(path)
    assert str(path) in str(error.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a JSON file"):
        sizes_of_file(tmp_path / "none.json")


def test_root_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no ML Metadata database"):
        sizes_of_run(tmp_path)


def test_newest_transform_graph_of_a_run_gives_its_sizes(tmp_path):
    store = TfxStore(tmp_path)
    for run, num_ids in (("first", 10), ("second", 20)):
        store.start_run(run)
        made = store.step("Transform", outputs={"transform_graph": ("TransformGraph", {})})
        uri = read_snapshot(tmp_path).artifacts[made["transform_graph"]].uri
        Path(uri).mkdir(parents=True)
        sizes = {"C1": num_ids, "C2": 3}
        features = Features(click_log=CLICK_LOG, dense_width=26, vocabulary_sizes=sizes)
        write_features(uri, features)
    sizes = sizes_of_run(tmp_path)
    assert (sizes.vocabulary_sizes, sizes.dense_width) == ({"C1": 20, "C2": 3}, 26)
    assert find_sizes(None, None, tmp_path) == sizes


def test_run_whose_transform_graph_is_gone_is_refused(tmp_path):
    store = TfxStore(tmp_path)
    store.start_run("first")
    store.step("Transform", outputs={"transform_graph": ("TransformGraph", {})})
    with pytest.raises(InputError, match="cannot read"):
        sizes_of_run(tmp_path)


def test_run_without_a_transform_is_refused(tmp_path):
    store = TfxStore(tmp_path)
    store.start_run("first")
    store.step("ExampleGen", outputs={"examples": ("Examples", {})})
    with pytest.raises(InputError, match="expected a run with a finished Transform"):
        sizes_of_run(tmp_path)


def test_demo_stands_in_where_nothing_was_run(tmp_path):
    sizes = find_sizes(None, None, tmp_path)
    assert sizes.vocabulary_sizes == VOCABULARY_SIZES
    assert sizes.dense_width == DENSE_WIDTH
    assert len(sizes.vocabulary_sizes) == 26


def test_named_root_does_not_fall_back_on_the_demo(tmp_path):
    with pytest.raises(InputError):
        find_sizes(tmp_path, None, tmp_path)
