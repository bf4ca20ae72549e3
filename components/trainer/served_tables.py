"""The tables of a trained network as they are served."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.storage import FLOAT32, Storage
from components.trainer.places import Place, find_places, stack_places, tables_of
from components.trainer.stacked_lookup import StackedLookup
from components.trainer.tables import EmbeddingTables


class ServedTables(StackedLookup):
    """The serving forms of trained embeddings, their tables encoded by their storage.

    Attributes:
      encoded: for each stack, by name, the variables that its storage decodes.
    """

    def __init__(self, trained: EmbeddingTables) -> None:
        """Takes over the values.

        Args:
          trained: all its tables lie in stacks.
        """
        forms = [embedding.serving_form for embedding in trained.embeddings]

        def key(place: Place) -> tuple[int, Storage, int | None]:
            storage = forms[place.embedding].storage
            return place.table.width, storage, None if storage.is_by_row else id(place.table)

        super().__init__(forms, stack_places(find_places(forms), key))
        values: dict[int, np.ndarray] = {}
        for embedding, form in zip(trained.embeddings, forms, strict=True):
            of_tables: Sequence[np.ndarray] = trained.values(embedding)
            if form is not embedding:
                of_tables, of_arrays = embedding.to_serving(of_tables)
                for name, value in of_arrays.items():
                    form.array(name).assign(value)
            values |= {id(t): v for t, v in zip(form.tables, of_tables, strict=True)}
        self._storages = [forms[places[0].embedding].storage for places in self._places]
        self.encoded = [
            _encode(storage, [values[id(place.table)] for place in tables_of(places)])
            for storage, places in zip(self._storages, self._places, strict=True)
        ]

    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows' values, for each stack float32 `[batch, num_lookups, width]`."""
        stacks = zip(self._storages, self.encoded, rows, self._places, strict=True)
        return [s.lookup(e, r, places[0].table.width) for s, e, r, places in stacks]


def _encode(storage: Storage, values: Sequence[np.ndarray]) -> Mapping[str, tf.Variable]:
    encoded = storage.encode(np.concatenate(values))
    return {name: tf.Variable(array, trainable=False) for name, array in encoded.items()}


def is_served_as_trained(tables: StackedLookup) -> bool:
    """Returns whether tables are served just as they were trained."""
    return all(e.serving_form is e and e.storage is FLOAT32 for e in tables.embeddings)
