"""Studies: many trainings from one file, to curves and tables over all of them.

Run it as `python -m pipeline.study --config NAME|FILE --root DIR`; `docs/study.md` tells how.

A *cell* is a dataset version, an architecture, a variant, a method's value and a device; it is
trained with each seed. Cells whose steps before the trainers are configured alike are a *group*:
one pipeline, whose variants are its cells. `config.py` reads the file, `cells.py` lists the cells,
`local_study.py` runs them here with the processes of `workers.py`, `tables.py` writes the result.
"""
