"""Statistics of small splits, made by TFDV as the StatisticsGen step makes them."""

from typing import Any

import pyarrow as pa
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.statistics_gen.statistics import statistics_options, to_list_batch
from schemas.click_log import LABEL, ClickLog, raw_arrow_schema

CLICK_LOG = ClickLog.model_validate(
    {
        "label": {"column": "click"},
        "dense": [{"name": "age"}, {"name": "price", "type": "float"}],
        "categorical": [{"name": "site"}],
    }
)


def split_statistics(
    columns: dict[str, list[Any]], click_log: ClickLog = CLICK_LOG
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns the statistics of one split.

    Args:
      columns: feature -> values, None where missing; labels that are not given alternate.
      click_log: the layout.
    """
    labels = [index % 2 for index in range(len(columns["age"]))]
    table = pa.table({LABEL: labels, **columns}, schema=raw_arrow_schema(click_log))
    return generate_statistics_in_memory(to_list_batch(table), statistics_options())
