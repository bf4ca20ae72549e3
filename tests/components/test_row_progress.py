import logging
import pickle

from components.progress import PROGRESS_LOGGER
from components.row_progress import RowProgress


def test_copies_of_one_count_together(caplog):
    pickled = pickle.dumps(RowProgress("read "))
    first, second = pickle.loads(pickled), pickle.loads(pickled)
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        first.add(1000)
        second.add(500)
        first.add(1)
    assert caplog.messages == ["read 1,000 rows", "read 1,500 rows", "read 1,501 rows"]


def test_two_steps_count_apart(caplog):
    first, second = RowProgress(), RowProgress()
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        first.add(7)
        second.add(2)
    assert caplog.messages == ["7 rows", "2 rows"]
