"""How wide the rows of each feature are, so that all together have the size they shall have."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# The last column may exceed the goal by this part of it, lest projections cost a whole column.
_SLACK = 0.02
# Less room than this part of the goal is a rounding error.
_NO_ROOM = 1e-9


@dataclass(frozen=True)
class Width:
    """One width that the rows of a feature can have.

    Attributes:
      width: of a row.
      num_weights: of the feature, all told, with rows of this width.
      due: from which common scale of the features on it is this width's turn.
    """

    width: int
    num_weights: int
    due: float


def possible_widths(
    vocabulary_size: int,
    embedding_dim: int,
    projected: bool,
    alpha: float = 0.0,
    powers_of_two: bool = False,
) -> list[Width]:
    """Returns the widths that a feature can have, from the smallest to `embedding_dim`.

    At the scale `s` it is the turn of `s * embedding_dim * vocabulary_size^-alpha`, rounded.

    Args:
      vocabulary_size: the number of ids.
      embedding_dim: the width of a vector.
      projected: whether a matrix brings narrow rows to `embedding_dim`. It counts, and a width that
        saves nothing because of it is left out.
      alpha: how much narrower rows are where there are many.
      powers_of_two: whether narrow rows are as wide as a power of two.
    """
    narrow = (
        [2**i for i in range(embedding_dim.bit_length())]
        if powers_of_two
        else list(range(1, embedding_dim))
    )
    full = vocabulary_size * embedding_dim
    rows = vocabulary_size + (embedding_dim if projected else 0)
    widths: list[Width] = []
    unit = vocabulary_size**alpha / embedding_dim
    due = 0.0
    for width in narrow:
        if width >= embedding_dim or width * rows >= full:
            break
        widths.append(Width(width, width * rows, due * unit))
        due = width * math.sqrt(2) if powers_of_two else width + 0.5
    return [*widths, Width(embedding_dim, full, due * unit)]


def choose_widths(features: Sequence[Sequence[Width]], num_weights: float) -> list[int]:
    """Returns the width of each feature, such that all have about `num_weights`, at most 2 % more.

    The scale rises, and each width is taken when it is due (of several at once the costliest
    first), until one does not fit. Its feature stays as it is. The others go on as long as they
    fit, until that feature would be due for the next time: so rounding leaves little room, and no
    feature is far from its turn.

    A larger `num_weights` never gives fewer weights. (Taking what fits has this property in any
    order: all that is taken in place of a thing that did not fit is less than that thing.)

    Args:
      features: what each can have, as `possible_widths` returns it.
      num_weights: of all together. Where it is less than the narrowest rows have, these.
    """
    steps = sorted(
        (after.due, before.num_weights - after.num_weights, feature, position)
        for feature, widths in enumerate(features)
        for position, (before, after) in enumerate(pairwise(widths), 1)
    )
    chosen = [0] * len(features)
    room = num_weights - sum(widths[0].num_weights for widths in features)
    stopped: set[int] = set()
    end = math.inf
    for due, negative_cost, feature, position in steps:
        if due >= end:
            break
        if feature in stopped:
            continue
        if room > num_weights * _NO_ROOM and room + negative_cost >= -num_weights * _SLACK:
            chosen[feature] = position
            room += negative_cost
            continue
        if not stopped:
            following = features[feature][position + 1 :]
            end = following[0].due if following else math.inf
        stopped.add(feature)
    return [widths[i].width for widths, i in zip(features, chosen, strict=True)]
