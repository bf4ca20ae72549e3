from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pytest

from components.evaluator.statistics.stage import Piece, measure_pieces


@dataclass(frozen=True)
class Numbered(Piece):
    """A piece that returns its number, or fails."""

    number: int

    def measure(self) -> pa.Table:
        if self.number < 0:
            raise ValueError("a negative piece")
        return pa.table({"number": [self.number]})


def test_tables_are_in_the_order_of_the_pieces(tmp_path):
    pieces = [Numbered(number) for number in (3, 1, 4, 1, 5)]
    tables = measure_pieces(beam.Pipeline, pieces, str(tmp_path))
    assert [table["number"][0].as_py() for table in tables] == [3, 1, 4, 1, 5]


def test_a_piece_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="a negative piece"):
        measure_pieces(beam.Pipeline, [Numbered(1), Numbered(-1)], str(tmp_path))
    assert list(tmp_path.iterdir()) == []
