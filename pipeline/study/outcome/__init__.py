"""What people look at after a study: figures, a page and a summary, from its two tables.

`python -m pipeline.study.outcome --root DIR` draws them anew.
"""

from pathlib import Path

import pyarrow as pa


def write_outcome(folder: Path, curves: pa.Table, finals: pa.Table) -> Path:
    """Writes figures, page and summary into a study's folder; see `write.write_outcome`."""
    from pipeline.study.outcome.write import write_outcome as write

    return write(folder, curves, finals)
