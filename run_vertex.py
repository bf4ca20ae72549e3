r"""Runs the pipeline on Vertex AI: compile, run-locally, submit, status, cancel, cost.

python run_vertex.py submit --project P --region us-central1 --image HOST/P/R/dlrm-approx:1 \
    --pipeline-root gs://B/runs --data 'gs://B/day_*' --wait
"""

import sys

from pipeline.vertex.cli import main

if __name__ == "__main__":
    sys.exit(main())
