import numpy as np
import pytest

from components.trainer.embeddings.parts.widths import Width, choose_widths, possible_widths


def turn(scale: float, size: int, dim: int, alpha: float, power_of_two: bool) -> int:
    """Ginart et al. 2019: the rounded power of the number of ids, or all if it saves nothing."""
    width = scale * dim * size**-alpha
    if power_of_two:
        width = 2.0 ** round(np.log2(width))
    rounded = min(max(round(width), 1), dim)
    return dim if rounded * (size + dim) >= size * dim else rounded


def slow_widths(
    sizes: list[int], dim: int, num_weights: float, alpha: float, power_of_two: bool
) -> list[int]:
    """Lets the scale rise by very small steps."""

    def total(widths: list[int]) -> int:
        return sum(n * d + (d * dim if d < dim else 0) for n, d in zip(sizes, widths, strict=True))

    widths = [turn(1e-9, size, dim, alpha, power_of_two) for size in sizes]
    stopped: dict[int, int] = {}
    for scale in np.geomspace(0.01, 4 * max(sizes) ** alpha, 30_000):
        turns = [turn(scale, size, dim, alpha, power_of_two) for size in sizes]
        if stopped and turns[next(iter(stopped))] > next(iter(stopped.values())):
            break
        for feature in sorted(range(len(sizes)), key=lambda f: -sizes[f]):
            wider = [*widths[:feature], turns[feature], *widths[feature + 1 :]]
            if turns[feature] == widths[feature] or feature in stopped:
                continue
            if total(widths) < num_weights and total(wider) <= 1.02 * num_weights:
                widths = wider
            else:
                stopped[feature] = turns[feature]
    return widths


@pytest.mark.parametrize("power_of_two", [False, True])
@pytest.mark.parametrize(("ratio", "alpha"), [(1.5, 0.3), (4.0, 0.3), (9.0, 0.6), (6.0, 0.0)])
def test_widths_match_the_slow_twin(ratio: float, alpha: float, power_of_two: bool) -> None:
    sizes, dim = [100, 3_000, 20_000, 7_000, 5], 16
    num_weights = sum(sizes) * dim / ratio
    features = [possible_widths(size, dim, True, alpha, power_of_two) for size in sizes]
    assert choose_widths(features, num_weights) == slow_widths(
        sizes, dim, num_weights, alpha, power_of_two
    )


def test_possible_widths_of_a_projected_feature_worked_out_by_hand() -> None:
    # 6 ids of width 4: 10 and 20 weights with a projection, 30 are more than 24. 1.5 / 4, 2.5 / 4.
    assert possible_widths(6, 4, projected=True) == [
        Width(1, 10, 0.0),
        Width(2, 20, 0.375),
        Width(4, 24, 0.625),
    ]


def test_possible_widths_that_are_powers_of_two() -> None:
    widths = possible_widths(100, 12, projected=False, powers_of_two=True)
    assert [(w.width, w.num_weights) for w in widths] == [
        (1, 100),
        (2, 200),
        (4, 400),
        (8, 800),
        (12, 1200),
    ]


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_more_weights_never_give_fewer_and_are_used_up(alpha: float, seed: int) -> None:
    sizes = np.random.default_rng(seed).geometric(1e-3, 12).tolist()
    features = [possible_widths(size, 8, True, alpha) for size in sizes]
    fewest = sum(widths[0].num_weights for widths in features)
    full = sum(sizes) * 8
    totals = []
    for num_weights in np.linspace(fewest, full, 300):
        chosen = choose_widths(features, num_weights)
        totals.append(
            sum(
                next(w.num_weights for w in widths if w.width == width)
                for widths, width in zip(features, chosen, strict=True)
            )
        )
        assert 0.9 * num_weights < totals[-1] <= 1.02 * num_weights
    assert totals == sorted(totals)
    assert (totals[0], totals[-1]) == (fewest, full)


def test_what_does_not_fit_leaves_its_room_to_others_that_are_due() -> None:
    # 14 of 20 weights for the narrowest. At 1 the 10 of the first do not fit, the 5 of the
    # second do; at 2 the first would be due again.
    features = [
        [Width(1, 10, 0.0), Width(2, 20, 1.0), Width(3, 30, 2.0)],
        [Width(1, 4, 0.0), Width(2, 9, 1.5), Width(3, 10, 2.5)],
    ]
    assert choose_widths(features, 20) == [1, 2]


def test_a_column_too_many_is_taken_if_it_exceeds_the_goal_by_little() -> None:
    features = [[Width(1, 10, 0.0), Width(2, 20, 1.0), Width(3, 30, 2.0)]]
    # 2 % more than 19.7 is 20.1, than 19.5 it is 19.9; than 29.3 it is 29.9.
    assert [choose_widths(features, n) for n in (19.5, 19.7, 20.0, 29.3)] == [[1], [2], [2], [2]]


def test_too_few_weights_give_the_narrowest_rows() -> None:
    assert choose_widths([possible_widths(100, 8, False)] * 2, 1e-6) == [1, 1]
