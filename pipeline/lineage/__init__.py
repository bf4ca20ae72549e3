"""Read-only questions to ML Metadata: which data, code, configuration and seed made this model.

Run it as `python -m pipeline.lineage --root DIR runs | artifacts | show ID | trace PATH_OR_ID`.
It imports `ml_metadata` and no `tfx`, so it answers in about a second.

`store.py` reads the database into the records of `records.py`; `runs.py`, `views.py` and
`trace.py` answer questions with plain dictionaries, which `--json` prints; `text.py` and
`trace_text.py` print the same dictionaries for people.
"""
