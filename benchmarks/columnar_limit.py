"""The least work that preprocessing of a Criteo log is: what our steps are measured against.

    python -m benchmarks.columnar_limit FILE.tsv

One process, one core, no pipeline, no checks, everything in memory: Arrow parses the file, counts
26 vocabularies, applies them, and writes the transformed rows. Prints one line of JSON: rows and
seconds of each part.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES

_BLOCK_BYTES = 4 * 2**20
_FREQUENCY_THRESHOLD = 4
_NUM_SIDE_COLUMNS = 2  # missing and out of vocabulary

ResultT = TypeVar("ResultT")


def _parse(data: bytes) -> list[pa.Table]:
    types = {"label": pa.int64()}
    types |= dict.fromkeys(DENSE_FEATURES, pa.int64())
    types |= dict.fromkeys(CATEGORICAL_FEATURES, pa.binary())
    reader = pyarrow.csv.open_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(
            column_names=CLICK_LOG.text_columns, use_threads=False, block_size=_BLOCK_BYTES
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True
        ),
    )
    return [pa.Table.from_batches([batch]) for batch in reader]


def _count(tables: list[pa.Table]) -> dict[str, pa.Array]:
    vocabularies = {}
    for name in CATEGORICAL_FEATURES:
        parts = [pc.value_counts(table[name].combine_chunks()) for table in tables]
        counts = pa.concat_tables(
            [pa.table({"value": p.field("values"), "count": p.field("counts")}) for p in parts]
        )
        merged = counts.group_by("value").aggregate([("count", "sum")])
        frequent = merged.filter(
            pc.and_(
                pc.greater_equal(merged["count_sum"], _FREQUENCY_THRESHOLD),
                pc.is_valid(merged["value"]),
            )
        )
        ordered = frequent.sort_by([("count_sum", "descending"), ("value", "ascending")])
        vocabularies[name] = ordered["value"].combine_chunks()
    return vocabularies


def _apply(tables: list[pa.Table], vocabularies: dict[str, pa.Array]) -> list[pa.Table]:
    transformed = []
    for table in tables:
        ids = []
        for name, values in vocabularies.items():
            index = pc.index_in(table[name].combine_chunks(), value_set=values)
            ids.append(pc.fill_null(index, -1).to_numpy() + _NUM_SIDE_COLUMNS)
        dense = [
            np.log1p(np.abs(pc.fill_null(table[name], 0).to_numpy())).astype(np.float32)
            for name in DENSE_FEATURES
        ]
        columns = {"dense": np.stack(dense, axis=1), "categorical": np.stack(ids, axis=1)}
        arrays = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
            for name, values in columns.items()
        }
        transformed.append(pa.table({**arrays, "label": table["label"]}))
    return transformed


def _write(tables: list[pa.Table]) -> int:
    sizes = []
    for table in tables:
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="snappy", use_dictionary=False)
        sizes.append(buffer.getvalue().size)
    return sum(sizes)


def measure(path: Path) -> dict[str, float]:
    """Returns the number of rows and the seconds of each part."""
    pa.set_cpu_count(1)
    seconds: dict[str, float] = {}

    def timed(part: str, work: Callable[[], ResultT]) -> ResultT:
        started = time.monotonic()
        result = work()
        seconds[part] = time.monotonic() - started
        return result

    data = timed("read", path.read_bytes)
    tables = timed("parse", lambda: _parse(data))
    vocabularies = timed("count", lambda: _count(tables))
    transformed = timed("apply", lambda: _apply(tables, vocabularies))
    timed("write", lambda: _write(transformed))
    return {"rows": sum(table.num_rows for table in tables), **seconds}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
