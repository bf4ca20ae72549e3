from collections import Counter
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.errors import InputError
from components.parquet import write_table
from components.transform import vocabulary
from components.transform.config import CategoricalTreatment
from components.transform.spilled_counts import plan_shards, read_shard

ALL = CategoricalTreatment(frequency_threshold=1)


def _write(folder, *tables: dict[str, list[bytes | None]]) -> list[str]:
    folder.mkdir()
    paths = [str(folder / f"{index}.parquet") for index in range(len(tables))]
    for path, columns in zip(paths, tables, strict=True):
        arrays = {name: pa.array(values, pa.binary()) for name, values in columns.items()}
        write_table(pa.table(arrays), path)
    return paths


def _count(files, treatments, folder, **options):
    return vocabulary.count_vocabulary(beam.Pipeline, files, treatments, str(folder), **options)


def test_values_of_all_files_are_packed_feature_by_feature(tmp_path):
    files = _write(
        tmp_path / "raw",
        {"C9": [b"ff", None], "C1": [b"aa", b"bb"]},
        {"C9": [b"ff", b"ff"], "C1": [b"aa", b"cc"]},
    )
    packed = _count(files, {"C9": ALL, "C1": ALL}, tmp_path / "vocabulary")
    # The order of the treatments, not of the names.
    assert Path(packed.path).read_bytes() == b"C9:ff\nC1:aa\nC1:bb\nC1:cc\n"
    assert list(packed.num_values.items()) == [("C9", 1), ("C1", 3)]


def test_each_feature_has_its_own_threshold_and_limit(tmp_path):
    values = [b"a"] * 3 + [b"d", b"b", b"c"] * 2 + [b"e"]
    files = _write(tmp_path / "raw", dict.fromkeys(["all", "often", "two", "both"], values))
    treatments = {
        "all": ALL,
        "often": CategoricalTreatment(frequency_threshold=3),
        "two": CategoricalTreatment(frequency_threshold=1, max_values=2),
        "both": CategoricalTreatment(frequency_threshold=2, max_values=10),
    }
    packed = _count(files, treatments, tmp_path / "vocabulary")
    assert packed.num_values == {"all": 5, "often": 1, "two": 2, "both": 4}
    assert Path(packed.path).read_text().split() == [
        *("all:a", "all:b", "all:c", "all:d", "all:e"),
        *("often:a", "two:a", "two:b"),
        *("both:a", "both:b", "both:c", "both:d"),
    ]


def test_a_feature_without_a_frequent_value_has_an_empty_vocabulary(tmp_path):
    files = _write(tmp_path / "raw", {"C1": [b"a", b"b"], "C2": [b"c", b"c"], "C3": [None, None]})
    treatment = CategoricalTreatment(frequency_threshold=2)
    packed = _count(files, dict.fromkeys(["C1", "C2", "C3"], treatment), tmp_path / "vocabulary")
    assert packed.num_values == {"C1": 0, "C2": 1, "C3": 0}
    assert Path(packed.path).read_bytes() == b"C2:c\n"


def test_hashed_features_are_not_counted(tmp_path):
    files = _write(tmp_path / "raw", {"C1": [b"a"]})
    packed = _count(
        files, {"hashed": CategoricalTreatment(method="hash"), "C1": ALL}, tmp_path / "vocabulary"
    )
    assert packed.num_values == {"C1": 1}


def test_no_feature_with_a_vocabulary_gives_none(tmp_path):
    hashed = CategoricalTreatment(method="hash")
    assert _count(["unread"], {"C1": hashed}, tmp_path / "vocabulary") is None


def test_an_empty_vocabulary_is_refused_and_leaves_nothing(tmp_path):
    files = _write(tmp_path / "raw", {"C1": [b"aa", None]})
    treatment = CategoricalTreatment(frequency_threshold=2)
    with pytest.raises(InputError, match="frequency_threshold"):
        _count(files, {"C1": treatment}, tmp_path / "vocabulary")
    assert list((tmp_path / "vocabulary").iterdir()) == []


def test_nothing_but_the_packed_file_is_left(tmp_path):
    files = _write(tmp_path / "raw", {"C1": [b"%d" % i for i in range(100)]})
    packed = _count(files, {"C1": ALL}, tmp_path / "vocabulary", bound_bytes=1_000)
    assert list((tmp_path / "vocabulary").iterdir()) == [Path(packed.path)]


def test_packing_in_slices_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary, "_PACKED_ROWS", 2)
    files = _write(tmp_path / "raw", {"C1": [b"c", b"a", b"e", b"b", b"d"]})
    packed = _count(files, {"C1": ALL}, tmp_path / "vocabulary")
    assert Path(packed.path).read_bytes() == b"C1:a\nC1:b\nC1:c\nC1:d\nC1:e\n"


def _random_columns() -> dict[str, list[bytes | None]]:
    """2,000 rows: few values, many values, and many texts of very different lengths."""
    rng = np.random.default_rng(7)
    few, many, texts = rng.zipf(1.5, (3, 2000)).clip(0, 10**6).tolist()
    return {
        "few": [b"%d" % (i % 11) if i % 11 else None for i in few],
        "many": [b"%08x" % (i * 2654435761 % 2**32) for i in many],
        "texts": [f"é/{i} ".encode() * (1 + i % 60) for i in texts],
    }


_TREATMENTS = {
    "few": ALL,
    "many": CategoricalTreatment(frequency_threshold=2),
    "texts": CategoricalTreatment(frequency_threshold=1, max_values=101),
}


def _slow_twin(columns) -> bytes:
    lines = []
    for feature, treatment in _TREATMENTS.items():
        counts = Counter(value for value in columns[feature] if value)
        frequent = [v for v, count in counts.items() if count >= treatment.frequency_threshold]
        frequent.sort(key=lambda value, counts=counts: (-counts[value], value))
        lines += [b"%s:%s\n" % (feature.encode(), v) for v in frequent[: treatment.max_values]]
    return b"".join(lines)


@pytest.mark.parametrize(
    ("num_files", "bound_bytes", "shuffled", "flags"),
    [
        (1, vocabulary.BOUND_BYTES, False, []),
        (7, vocabulary.BOUND_BYTES, True, []),
        (7, 3_000, False, []),
        (1, 20_000, True, []),
        (
            7,
            20_000,
            True,
            ["--direct_running_mode=multi_threading", "--direct_num_workers=2"],
        ),
    ],
)
def test_packed_bytes_equal_the_slow_twin_however_the_rows_are_counted(
    tmp_path, num_files, bound_bytes, shuffled, flags
):
    columns = _random_columns()
    order = np.random.default_rng(5).permutation(2000) if shuffled else np.arange(2000)
    files = _write(
        tmp_path / "raw",
        *(
            {name: [values[i] for i in part] for name, values in columns.items()}
            for part in np.array_split(order, num_files)
        ),
    )
    packed = vocabulary.count_vocabulary(
        lambda: beam.Pipeline(options=PipelineOptions(flags)),
        files,
        _TREATMENTS,
        str(tmp_path / "vocabulary"),
        bound_bytes,
    )
    assert Path(packed.path).read_bytes() == _slow_twin(columns)


def test_more_files_than_groups_are_all_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary, "_MAX_GROUPS", 2)
    files = _write(tmp_path / "raw", *({"C1": [b"a", b"%d" % i]} for i in range(5)))
    treatment = CategoricalTreatment(frequency_threshold=5)
    packed = _count(files, {"C1": treatment}, tmp_path / "vocabulary")
    assert Path(packed.path).read_bytes() == b"C1:a\n"


def test_a_retried_bundle_is_counted_once(tmp_path):
    # The failed attempt has spilled the first file and still holds the second one.
    spilled = [b"%d" % (i % 100) for i in range(200)]
    files = _write(tmp_path / "raw", {"C1": spilled}, {"C1": [b"held", b"held"]})
    (tmp_path / "spilled").mkdir()
    count = vocabulary._Count(["C1"], str(tmp_path / "spilled"), 2_000)

    def attempt():
        count.start_bundle()
        return list(count.process(files))

    assert attempt()
    runs = [run for _, run in (*attempt(), *(late.value for late in count.finish_bundle()))]

    assert len(list((tmp_path / "spilled").iterdir())) > len(runs)
    counts = pa.concat_tables(read_shard(shard) for shard in plan_shards(runs, 2_000))
    assert counts["count"].to_pylist() == [2] * 101
