"""A click log with all types of columns, treatments of all kinds, and rows with odd values."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from components.parquet import write_table
from components.transform.config import TransformConfig
from components.transform.dense_statistics import find_dense_statistics
from components.transform.graph import write_transform_graph
from components.transform.preprocessing import Preprocessing
from components.transform.vocabulary import count_vocabulary
from schemas.click_log import ClickLog, raw_arrow_schema

CLICK_LOG = ClickLog.model_validate(
    {
        "label": {"column": "clicked"},
        "dense": [
            {"name": "price", "type": "float"},
            {"name": "age"},
            {"name": "visits"},
            {"name": "score", "type": "float"},
            {"name": "rank"},
        ],
        "categorical": [
            {"name": "site"},
            {"name": "ip"},
            {"name": "user", "type": "hexadecimal"},
            {"name": "page"},
        ],
    }
)
CONFIG = TransformConfig(
    categorical={"frequency_threshold": 2},
    columns={
        "price": {"clip": [-10.5, 1e6], "standardize": True},
        "age": {"scale": "quantile", "missing_indicator": False, "categorical_buckets": 7},
        "score": {"scale": "none", "standardize": True, "categorical_buckets": 3},
        "rank": {"scale": "quantile", "standardize": True},
        "ip": {"method": "hash", "num_hash_buckets": 50},
        "user": {"num_oov_buckets": 5, "max_values": 10},
        "page": {"num_oov_buckets": 3, "hash_salt": 9},
    },
)


def random_rows(num_rows: int, seed: int = 0) -> pa.Table:
    """Returns rows with missing, rare, very small and very large values."""
    rng = np.random.default_rng(seed)
    schema = raw_arrow_schema(CLICK_LOG)
    extremes = {
        pa.int64(): [0, -1, 2**63 - 1, 1 - 2**63, 1023, 2**53 + 1],
        pa.float32(): [0.0, -0.0, 3.4e38, -3.4e38, 1e-45, 0.1],
    }
    columns = [pa.array(rng.integers(0, 2, num_rows))]
    for field in list(schema)[1:]:
        missing = rng.random(num_rows) < 0.2
        if field.type == pa.binary():
            values = np.array([b"v%x" % n for n in rng.zipf(1.6, num_rows) % 2**40], object)
        else:
            values = rng.normal(0, 50, num_rows).astype(field.type.to_pandas_dtype())
            few = rng.integers(0, num_rows, num_rows // 20)
            values[few] = rng.choice(np.array(extremes[field.type], values.dtype), len(few))
        columns.append(pa.array(values, field.type, mask=missing))
    return pa.table(columns, schema=schema)


def fit(
    rows: pa.Table, folder: Path, config: TransformConfig = CONFIG, click_log: ClickLog = CLICK_LOG
) -> Preprocessing:
    """Returns the preprocessing that belongs to the rows of a train split."""
    folder.mkdir(parents=True, exist_ok=True)
    path, space = str(folder / "raw.parquet"), str(folder / "space")
    write_table(rows, path)
    statistics = find_dense_statistics(
        beam.Pipeline, [path], click_log, config.dense_treatments(click_log), space
    )
    vocabulary = count_vocabulary(
        beam.Pipeline, [path], config.categorical_treatments(click_log), space
    )
    return Preprocessing(click_log, config, vocabulary, statistics)


def write_graph(preprocessing: Preprocessing, folder: Path) -> str:
    """Writes the transform graph and returns its folder."""
    write_transform_graph(preprocessing, schema_pb2.Schema(), str(folder / "graph"))
    return str(folder / "graph")
