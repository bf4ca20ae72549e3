import pytest

from components.trainer.preflight.largest_batch import MOST_COMPILES, Tried, find_largest_batch

_AVAILABLE = 16_000_000_000


class _Compiler:
    """Needs `fixed + per_row * rows` bytes; remembers what it was asked."""

    def __init__(self, fixed, per_row, tells_bytes=True):
        self.fixed, self.per_row, self.tells_bytes = fixed, per_row, tells_bytes
        self.asked = []

    def tried(self, rows):
        needed = self.fixed + self.per_row * rows
        fits = needed <= _AVAILABLE
        return Tried(fits, needed if self.tells_bytes or fits else None)

    def __call__(self, rows):
        self.asked.append(rows)
        return self.tried(rows)

    def search(self, start=2048, largest=2**17):
        return find_largest_batch(self, start, self.tried(start), _AVAILABLE, largest)


def test_batch_that_fits_at_the_cap_costs_one_compile():
    compiler = _Compiler(10**9, 10_000)
    result = compiler.search()
    assert compiler.asked == [131_072]
    assert (result.fits, result.does_not_fit, result.num_compiles) == (131_072, None, 1)


@pytest.mark.parametrize("per_row", [150_000, 500_000, 1_000_000, 7_000_000])
@pytest.mark.parametrize("tells_bytes", [True, False])
def test_largest_batch_is_found_to_an_eighth(per_row, tells_bytes):
    compiler = _Compiler(10**9, per_row, tells_bytes)
    result = compiler.search()
    true = (_AVAILABLE - 10**9) // per_row
    assert result.fits <= true < result.does_not_fit
    assert result.does_not_fit - result.fits <= max(8, result.fits // 8)


def test_search_ends_sooner_where_the_compiler_tells_bytes():
    assert _Compiler(10**9, 500_000).search().num_compiles <= 4
    assert 4 < _Compiler(10**9, 500_000, tells_bytes=False).search().num_compiles <= MOST_COMPILES


def test_start_that_does_not_fit_is_searched_below():
    result = _Compiler(10**9, 10**8).search()  # 150 rows fit
    assert result.fits in range(128, 151)
    assert result.does_not_fit > 150


def test_model_that_never_fits_says_so():
    result = _Compiler(10**11, 10).search()
    assert result.fits is None
    assert result.does_not_fit == 8


def test_batches_are_multiples_of_eight():
    compiler = _Compiler(123_456_789, 777_777)
    compiler.search()
    assert all(rows % 8 == 0 for rows in compiler.asked)


def test_no_batch_is_compiled_twice():
    compiler = _Compiler(10**9, 333_333, tells_bytes=False)
    compiler.search()
    assert len(set(compiler.asked)) == len(compiler.asked)


def test_start_at_the_cap_needs_no_search():
    compiler = _Compiler(0, 1)
    assert compiler.search(start=4096, largest=4096).num_compiles == 0
    assert compiler.asked == []


def test_limit_beyond_the_cap_is_estimated():
    assert _Compiler(10**9, 10_000).search().estimate == 1_500_000
    assert _Compiler(10**9, 500_000).search().estimate is None
    assert _Compiler(0, 1).search(start=4096, largest=4096).estimate is None
    assert _Compiler(10**9, 0).search().estimate is None


def test_compiler_that_died_ends_the_search_and_says_nothing_of_the_memory():
    asked = []

    def dies(rows):
        asked.append(rows)

    result = find_largest_batch(dies, 2048, Tried(True, 10**9), _AVAILABLE)
    assert asked == [16_384]
    assert (result.fits, result.does_not_fit, result.estimate) == (2048, None, None)
    assert result.num_compiles == 1


@pytest.mark.parametrize("num_chips", [16, 3])
def test_batches_are_multiples_of_the_chips(num_chips):
    compiler = _Compiler(10**9, 2_000_000)
    started = compiler.tried(2016)
    find_largest_batch(compiler, 2016, started, _AVAILABLE, 100_000, num_chips)
    assert len(compiler.asked) > 2
    assert all(rows % num_chips == 0 for rows in compiler.asked)
