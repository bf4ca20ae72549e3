"""Flags that the tests of the command line share."""

SITE = ["--project", "ads-12345", "--region", "us-central1"]
WHAT = ["--preset", "tiny", "--data", "gs://clicks/log/day_*"]
WHERE = ["--pipeline-root", "gs://clicks/runs", "--image", "gcr.io/ads/dlrm:1"]
COMPARISON = "gs://clicks/runs/12345/run/Evaluator_3/comparison"


def one_line(capsys):
    """What was said on the standard error, which must be one line."""
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error
