"""The figures of a study, from its two tables."""
