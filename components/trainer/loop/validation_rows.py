"""The rows of the train split that are held out to decide when to stop."""

import os
from collections.abc import Sequence

from components import parquet
from components.errors import InputError


def hold_out_last_rows(
    files: Sequence[str], fraction: float, folder: str
) -> tuple[list[str], list[str]]:
    """Cuts the last rows off a split.

    They are its newest ones where the log is in time order, so what is decided by them is decided
    as the variants will be judged: by rows after those of the training.

    Args:
      files: transformed Parquet files in the order of the log.
      fraction: the share of the rows to hold out, above 0 and below 1.
      folder: on this machine; of the file that holds rows of both, two parts are written there.

    Returns:
      the files to train on, and those with the rows that were held out.

    Raises:
      InputError: if nothing would be left of one of them.
    """
    num_rows = [parquet.count_rows(path) for path in files]
    cut = sum(num_rows) - round(fraction * sum(num_rows))  # rows before it are trained on
    if not 0 < cut < sum(num_rows):
        raise InputError(
            f"validation_fraction {fraction}: expected rows on both sides, but {len(files)} files "
            f"from {files[0]} on hold {sum(num_rows)} rows"
        )
    train, validation = [], []
    for index, path in enumerate(files):
        if num_rows[index] <= cut:
            train.append(path)
        elif cut <= 0:
            validation.append(path)
        else:
            table = parquet.read_table(path)
            parts = [os.path.join(folder, f"{part}{parquet.SUFFIX}") for part in ("first", "last")]
            parquet.write_table(table.slice(0, cut), parts[0])
            parquet.write_table(table.slice(cut), parts[1])
            train.append(parts[0])
            validation.append(parts[1])
        cut -= num_rows[index]
    return train, validation
