"""Categorical features: raw values to ids."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.transform.config import CategoricalTreatment
from components.transform.vocabulary import PackedVocabulary
from schemas.click_log import MISSING_CATEGORY
from schemas.transformed import MISSING_ID, NUM_RESERVED_IDS, OUT_OF_VOCABULARY_ID

_NOT_FOUND = -1
# Hashes are taken apart by the number of ids afterwards, so that one operation serves all features.
_HASH_RANGE = 2**63 - 1


def make_table(path: str) -> tf.lookup.StaticHashTable:
    """Returns the table from a line of a packed vocabulary to its number."""
    initializer = tf.lookup.TextFileInitializer(
        path,
        key_dtype=tf.string,
        key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
        value_dtype=tf.int64,
        value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    return tf.lookup.StaticHashTable(initializer, default_value=_NOT_FOUND)


class CategoricalIds:
    """The ids of the values of a log's categorical features.

    With `method` `"vocabulary"` a feature has `MISSING_ID`, `num_oov_buckets` ids for values
    outside of the vocabulary, from `OUT_OF_VOCABULARY_ID` on, then the vocabulary, most frequent
    first. With `"hash"` it has `NUM_RESERVED_IDS`, then the buckets.

    Attributes:
      sizes: feature -> number of its ids, in column order. Ids lie in `[0, size)`.
      num_oov_ids: feature -> the number of its ids, from `OUT_OF_VOCABULARY_ID` on, for values
        outside of the vocabulary; 0 where there is none.
    """

    def __init__(
        self,
        treatments: Mapping[str, CategoricalTreatment],
        vocabulary: PackedVocabulary | None,
    ) -> None:
        """Works out the constants of the treatments.

        Args:
          treatments: categorical feature -> its treatment, in column order.
          vocabulary: the values of the features with `method` `"vocabulary"`, if there is one.
        """
        num_values = vocabulary.num_values if vocabulary else {}
        first_line, num_lines = {}, 0
        for name, count in num_values.items():
            first_line[name] = num_lines
            num_lines += count
        self.sizes: dict[str, int] = {}
        self.num_oov_ids: dict[str, int] = {}
        first_unknown, num_unknown, line_to_id = [], [], []
        for name, treatment in treatments.items():
            hashed = treatment.method == "hash"
            first = NUM_RESERVED_IDS if hashed else OUT_OF_VOCABULARY_ID
            shared = treatment.num_hash_buckets if hashed else treatment.num_oov_buckets
            known = 0 if hashed else num_values[name]
            self.num_oov_ids[name] = 0 if hashed else shared
            self.sizes[name] = first + shared + known
            first_unknown.append(first)
            num_unknown.append(shared)
            line_to_id.append(first + shared - first_line.get(name, 0))
        self._line_to_id = np.array(line_to_id, np.int64)
        self._first_unknown = np.array(first_unknown, np.int64)
        self._num_unknown = np.array(num_unknown, np.int64)
        self._prefixes = [f"{name}:" for name in treatments]
        self._salts = [f"{t.hash_salt}:" if t.hash_salt else "" for t in treatments.values()]

    def __call__(
        self,
        values: tf.Tensor,
        columns: tf.Tensor,
        lookup: Callable[[tf.Tensor], tf.Tensor] | None,
    ) -> tf.Tensor:
        """Returns the id of each value.

        Args:
          values: string, of any shape; missing ones are `MISSING_CATEGORY`.
          columns: int64, the position of the feature of each value; of a shape that `values` can be
            combined with.
          lookup: of `make_table`, or None if no feature has a vocabulary.

        Returns:
          int64, of the shape of `values`.
        """
        keys = _prefixed(self._prefixes, columns, values)
        ids = self._unknown_ids(keys, columns)
        if lookup is not None:
            lines = lookup(keys)
            known = lines + tf.gather(self._line_to_id, columns)
            ids = tf.where(tf.equal(lines, _NOT_FOUND), ids, known)
        return tf.where(tf.equal(values, MISSING_CATEGORY), tf.constant(MISSING_ID, tf.int64), ids)

    def _unknown_ids(self, keys: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        first = tf.gather(self._first_unknown, columns)
        if (self._num_unknown == 1).all():
            return first
        if any(self._salts):
            keys = _prefixed(self._salts, columns, keys)
        hashes = tf.strings.to_hash_bucket_fast(keys, _HASH_RANGE)
        return first + hashes % tf.gather(self._num_unknown, columns)


def _prefixed(prefixes: Sequence[str], columns: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns each value behind the prefix of its column, string, of the shape of `values`.

    `prefixes + values` is the same, but it hands out even the strings of a single row to threads,
    which takes far longer than to join them.
    """
    of_values = tf.broadcast_to(tf.gather(prefixes, columns), tf.shape(values))
    return tf.strings.join([of_values, values])
