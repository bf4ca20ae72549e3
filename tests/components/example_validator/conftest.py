"""Statistics of one train split and of eval splits that differ from it in one way each."""

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests.components.example_validator.splits import split_statistics

NUM_TRAIN = 4000
NUM_EVAL = 2000


def _rows(num_rows, **changed):
    """Rows in which age and price are evenly spread and a has 60 % of the sites."""
    sites = [b"a"] * 6 + [b"b"] * 3 + [b"c"]
    rows = {
        "age": [index % 100 for index in range(num_rows)],
        "price": [index % 1000 / 10 for index in range(num_rows)],
        "site": [sites[index % 10] for index in range(num_rows)],
    }
    return {**rows, **changed}


@pytest.fixture(scope="package")
def statistics() -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    """Split name -> its statistics."""
    new_sites = [b"a"] * 6 + [b"b"] * 7 + [b"c"] * 7
    skewed_sites = [b"a"] * 97 + [b"b"] * 3
    ages = [None if index % 10 < 3 else index % 100 for index in range(NUM_EVAL)]
    splits = {
        "train": _rows(NUM_TRAIN),
        "eval": _rows(NUM_EVAL),
        "new_shares": _rows(NUM_EVAL, site=[new_sites[i % 20] for i in range(NUM_EVAL)]),
        "doubled": _rows(NUM_EVAL, price=[index % 1000 / 5 for index in range(NUM_EVAL)]),
        "some_missing": _rows(NUM_EVAL, age=ages),
        "empty": _rows(NUM_EVAL, price=[None] * NUM_EVAL, site=[None] * NUM_EVAL),
        "constant": _rows(NUM_EVAL, age=[7] * NUM_EVAL, site=[b"a"] * NUM_EVAL),
        "skewed": _rows(NUM_TRAIN, site=[skewed_sites[i % 100] for i in range(NUM_TRAIN)]),
        "almost_zeros": _rows(NUM_TRAIN, age=[5] * 3 + [0] * (NUM_TRAIN - 3)),
        "zeros": _rows(NUM_EVAL, age=[0] * NUM_EVAL),
        "few": _rows(20, site=[b"a"] * 8 + [b"b"] * 12),
        "few_constant": _rows(20, site=[b"a"] * 20),
        "bad_label": _rows(NUM_EVAL, label=[0, 2] * (NUM_EVAL // 2)),
        "no_label": _rows(NUM_EVAL, label=[1, None] * (NUM_EVAL // 2)),
    }
    return {split: split_statistics(columns) for split, columns in splits.items()}
