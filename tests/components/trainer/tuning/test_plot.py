import io
import math

import matplotlib.image
import numpy as np
import pytest

from components.trainer.tuning.plot import batch_sizes_png, rate_ranges_png, search_png
from components.trainer.tuning.results import (
    BatchSizeResult,
    BatchSizes,
    RateRange,
    RateRanges,
    Search,
    TrialResult,
)

SUGGESTED = (0x0B, 0x7A, 0x53)
LIMIT = (0xC2, 0x41, 0x0C)


def make_ranges(suggested=0.03):
    rates = tuple(map(float, np.geomspace(1e-3, 1.0, 31)))
    loss = tuple(0.5 + 0.1 * (math.log10(r) + 1.5) ** 2 for r in rates[:28]) + (None,) * 3
    each = RateRange(
        field="dense_optimizer.learning_rate",
        configured=0.02,
        rates=rates,
        loss=loss,
        loss_at_rest=(0.6,) * 31,
        gain=tuple(0.1 - 0.02 * abs(i - 15) for i in range(31)),
        constant_loss=0.65,
        steepest=0.01,
        best=0.03,
        last_stable=0.5,
        suggested=suggested,
        is_at_edge=False,
    )
    return RateRanges(ranges=(each, each))


def make_sizes(*, out_of_memory=True):
    sizes = [
        BatchSizeResult(
            batch_size=size,
            values={},
            train_examples_per_second=1e3 * size,
            peak_memory_bytes=10**6 * size,
            logloss=None if size == 512 else 0.45 + size / 1e5,
        )
        for size in (64, 128, 256, 512)
    ]
    if out_of_memory:
        sizes.append(BatchSizeResult(batch_size=1024, values={}, out_of_memory="no room"))
    return BatchSizes(sizes=tuple(sizes), max_logloss_increase=0.001, suggested=128)


def make_search():
    trials = [TrialResult(logloss=loss) for loss in (None, 0.5, 0.45, None, 0.47)]
    return Search(algorithm="random", trials=tuple(trials))


def pixels(png, color):
    """How many pixels of a plot have a colour."""
    image = np.round(255 * matplotlib.image.imread(io.BytesIO(png))[:, :, :3]).astype(int)
    return int(np.sum(np.all(np.abs(image - color) <= 2, axis=2)))


@pytest.mark.parametrize(
    "png",
    [rate_ranges_png(make_ranges()), batch_sizes_png(make_sizes()), search_png(make_search())],
    ids=["rates", "sizes", "search"],
)
def test_plot_marks_what_was_found(png):
    height, width, _ = matplotlib.image.imread(io.BytesIO(png)).shape
    assert width > 900 and height > 300
    assert pixels(png, SUGGESTED) > 100


def test_size_without_memory_is_marked():
    with_it, without = (batch_sizes_png(make_sizes(out_of_memory=o)) for o in (True, False))
    assert pixels(with_it, LIMIT) > pixels(without, LIMIT) + 100


def test_failed_trial_is_marked():
    fine = Search(algorithm="random", trials=tuple(TrialResult(logloss=0.5) for _ in range(5)))
    assert pixels(search_png(make_search()), LIMIT) > pixels(search_png(fine), LIMIT) + 20


def test_gain_within_the_noise_can_be_drawn():
    assert rate_ranges_png(make_ranges(suggested=None)) != rate_ranges_png(make_ranges())


def test_same_result_gives_the_same_bytes():
    assert rate_ranges_png(make_ranges()) == rate_ranges_png(make_ranges())
