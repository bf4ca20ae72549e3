"""The signatures of an exported model: the only place that spells their names.

`serving_default` takes serialized tf.Examples (string `[batch]`, input `examples`).
`raw_features` takes the raw features by name, each `[batch]`: int64 with `MISSING_INTEGER` for a
missing integer, string with `MISSING_CATEGORY` for a missing category. Both return
`probability`, float32 `[batch]`.
"""

SERVING_DEFAULT = "serving_default"
EXAMPLES_INPUT = "examples"
RAW_FEATURES = "raw_features"
PROBABILITY = "probability"
