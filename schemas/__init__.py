"""What the data looks like: the only place that spells feature names and artifact types."""
