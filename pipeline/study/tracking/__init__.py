"""A study's trainings in the trackers that people already use: TensorBoard's HParams, MLflow."""

from pipeline.study.tracking.track import track

__all__ = ["track"]
