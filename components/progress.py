"""Progress of the long steps, as log records that a runner shows on one line.

A step calls `report` as often as it likes; who listens decides how often to draw. Records go to
the logger `PROGRESS_LOGGER` at level INFO and to nowhere else, so a step needs no terminal.
"""

import logging

PROGRESS_LOGGER = "dlrm_approx.progress"


def report(message: str) -> None:
    """Reports what the running step is doing, for example `"12,000 rows"`."""
    logging.getLogger(PROGRESS_LOGGER).info(message)
