"""A study on Vertex AI: a pipeline run for each cell.

`cell_runs.py` says what each run holds, `vertex_study.py` submits what is missing and looks at the
rest, `collect.py` reads what they brought, `engine.py` puts it together for the command.
"""
