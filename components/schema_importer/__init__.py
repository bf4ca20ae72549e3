"""The schema of the raw rows as an artifact."""
