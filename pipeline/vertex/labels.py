"""Names by which a run finds what belongs to it."""

# Of a custom job: the id of the pipeline job whose task has started it.
PIPELINE_JOB_LABEL = "pipeline_job"
