import pyarrow as pa
import pytest

from components.errors import InputError
from components.evaluator.prediction_facts import read_prediction_facts
from components.parquet import list_files
from tests.components.evaluator.tiny import write_split


def facts(tmp_path, *columns):
    tables = [pa.table({"label": pa.array(c.pop("label"), pa.int64()), **c}) for c in columns]
    return read_prediction_facts(list_files(write_split(tmp_path / "split", *tables)))


def test_facts_count_over_all_files(tmp_path):
    found = facts(
        tmp_path,
        {"label": [1, 0, 0], "full": [0.1, 0.2, 0.3]},
        {"label": [1], "full": [0.4]},
        {"label": [], "full": pa.array([], pa.float32())},
    )
    assert (found.num_rows, found.num_clicks, found.click_rate) == (4, 2, 0.5)
    assert found.diverged == frozenset()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_facts_name_a_replica_with_one_prediction_that_is_not_finite(tmp_path, bad):
    columns = {"label": [1, 0], "full": [0.1, 0.2], "hashing": [0.1, 0.2], "hashing:1": [0.1, bad]}
    assert facts(tmp_path, columns).diverged == {"hashing:1"}


def test_facts_look_at_no_slice(tmp_path):
    times = pa.array(["1 of 2", None]).dictionary_encode()
    columns = {"row_id": [0, 1], "label": [1, 0], "slice:time": times, "full": [0.1, 0.2]}
    assert facts(tmp_path, columns).diverged == frozenset()


@pytest.mark.parametrize("label", [0, 1])
def test_facts_of_one_class_only_name_the_split_and_the_label(tmp_path, label):
    with pytest.raises(InputError, match=f"eval split .* all 2 labels are {label}"):
        facts(tmp_path, {"label": [label, label], "full": [0.1, 0.2]})


def test_facts_of_no_row_say_so(tmp_path):
    with pytest.raises(InputError, match=r"eval split .* it has no row"):
        facts(tmp_path, {"label": [], "full": pa.array([], pa.float32())})
