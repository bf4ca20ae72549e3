from schemas.predictions import replicas_of, slice_column, slice_keys_of

NAMES = ["row_id", "label", "weight", "slice:frequency of C1", "slice:time", "full", "hashing:1"]


def test_replicas_are_the_columns_that_are_neither_rows_nor_slices():
    assert replicas_of(NAMES) == ["full", "hashing:1"]


def test_slice_keys_are_those_that_made_the_columns():
    assert slice_keys_of(NAMES) == ["frequency of C1", "time"]
    assert [slice_column(key) for key in slice_keys_of(NAMES)] == NAMES[3:5]
