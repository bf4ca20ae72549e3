"""Where tables lie: few stacks instead of a variable for each."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.table import Table

# TensorFlow's sparse updates run on one core each; those of different variables run side by side.
_MAX_STACKS_PER_KEY = 2


@dataclass(frozen=True)
class Place:
    """Where a table is that an embedding asked for.

    Attributes:
      embedding: the position of that embedding among all.
      position: of the table among those of the embedding.
      table: what was asked for.
      stack: the position of its stack.
      first_row: where it begins there.
    """

    embedding: int
    position: int
    table: Table
    stack: int = 0
    first_row: int = 0


def find_places(embeddings: Sequence[Embedding]) -> list[Place]:
    """Returns a place for each table of each embedding, in order; not yet in a stack."""
    return [
        Place(index, position, table)
        for index, embedding in enumerate(embeddings)
        for position, table in enumerate(embedding.tables)
    ]


def stack_places(
    places: Sequence[Place], key: Callable[[Place], Hashable]
) -> tuple[tuple[Place, ...], ...]:
    """Returns the places in each stack, in the order of their first rows.

    Args:
      places: of tables that embeddings asked for.
      key: tables may lie in one stack if theirs is equal.
    """
    users: dict[int, list[Place]] = {}
    for place in places:
        users.setdefault(id(place.table), []).append(place)
    by_key: dict[Hashable, list[list[Place]]] = {}
    for of_table in users.values():
        by_key.setdefault(key(of_table[0]), []).append(of_table)
    stacks: list[tuple[Place, ...]] = []
    for tables in by_key.values():
        num_stacks = min(len(tables), _MAX_STACKS_PER_KEY)
        for part in np.array_split(np.arange(len(tables)), num_stacks):
            stack: list[Place] = []
            first_row = 0
            for of_table in (tables[i] for i in part):
                stack += [replace(p, stack=len(stacks), first_row=first_row) for p in of_table]
                first_row += of_table[0].table.num_rows
            stacks.append(tuple(stack))
    return tuple(stacks)


def find_place(stacks: Sequence[Sequence[Place]], embedding: int, position: int) -> Place:
    """Returns where a table of an embedding lies.

    Args:
      stacks: the places in each.
      embedding: the position of the embedding among all.
      position: of the table among those of the embedding.
    """
    wanted = (embedding, position)
    [place] = [p for places in stacks for p in places if (p.embedding, p.position) == wanted]
    return place


def tables_of(places: Sequence[Place]) -> list[Place]:
    """Returns one place for each table in a stack, in order."""
    return list({place.first_row: place for place in reversed(places)}.values())[::-1]


def num_rows(places: Sequence[Place]) -> int:
    """Returns the number of rows of a stack."""
    return places[-1].first_row + places[-1].table.num_rows


def initial_values(places: Sequence[Place]) -> tf.Tensor:
    """Returns those of all tables in a stack, float32 `[num_rows, width]`."""
    return tf.concat([place.table.initial_values() for place in tables_of(places)], axis=0)
