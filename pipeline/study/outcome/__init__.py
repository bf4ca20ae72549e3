"""What people look at after a study: figures, a page and a summary, from its two tables."""

from pipeline.study.outcome.write import write_outcome

__all__ = ["write_outcome"]
