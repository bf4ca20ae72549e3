"""Compares the models that two runs chose, on the same rows: another day, another configuration.

Run it as `python -m pipeline.compare --root A --root B`. What changed in configuration, code and
data comes first, then every metric of both models on the same rows with the paired interval of
their difference, then the bytes, then one sentence.

`chosen.py` finds the two models in ML Metadata, `fields.py` says what made them, `changes.py` what
of that differs; `rows.py` brings the rows, `overlap.py` says whether a model may know them, and
`measure.py` predicts and measures. `result.py` is what `--json` writes, `text.py` shows it.
"""
