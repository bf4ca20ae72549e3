"""Statistics against the schema: an anomaly stops the run."""
