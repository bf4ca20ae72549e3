import pytest

from components.evaluator.metric_result import Estimate, MetricResult
from pipeline.compare.result import CostPair, MetricPair
from pipeline.compare.sentence import plain_sentence


def pair(difference: float, half_width: float) -> MetricPair:
    """A at 0.75, B at 0.75 + difference."""

    def estimate(value: float) -> Estimate:
        low, high = value - half_width, value + half_width
        return Estimate(value=value, standard_error=half_width / 1.96, low=low, high=high)

    b = MetricResult(
        estimate=estimate(0.75 + difference),
        difference=estimate(difference),
        sampling_error=half_width / 1.96,
    )
    return MetricPair(a=estimate(0.75), b=b)


def sentence(
    difference: float,
    of_a: float | None = None,
    of_b: float | None = None,
    logloss: float = 0.001,
) -> str:
    costs = {} if of_a is None else {"embedding_bytes": CostPair(a=of_a, b=of_b)}
    metrics = {"auc_roc": pair(difference, 0.002), "logloss": pair(logloss, 0.002)}
    return plain_sentence(metrics, costs, 20_115, 0.95)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (
            0.003,
            "B ranks better than A on 20,115 rows: its auc_roc differs by +0.0030 "
            "(95 % interval +0.0010 to +0.0050).",
        ),
        (
            -0.003,
            "B ranks worse than A on 20,115 rows: its auc_roc differs by -0.0030 "
            "(95 % interval -0.0050 to -0.0010).",
        ),
        (
            0.001,
            "No difference in ranking was found on 20,115 rows: auc_roc differs by +0.0010 "
            "(95 % interval -0.0010 to +0.0030).",
        ),
    ],
)
def test_the_answer_follows_the_interval(difference: float, expected: str) -> None:
    assert sentence(difference) == expected


@pytest.mark.parametrize("logloss", [-0.01, 0.01])
def test_no_difference_in_ranking_does_not_hide_one_in_logloss(logloss: float) -> None:
    assert f"0.0030), but logloss differs by {logloss:+.4f} (95 %" in sentence(
        0.001, logloss=logloss
    )


@pytest.mark.parametrize(
    ("of_a", "of_b", "expected"),
    [
        (4e6, 1e6, "; B's embeddings take 1.00 MB, A's 4.00 MB: 4.0x smaller."),
        (1e6, 2.5e6, "; B's embeddings take 2.50 MB, A's 1.00 MB: 2.5x larger."),
        (1.02e6, 1e6, "; B's embeddings take 1.00 MB, A's 1.02 MB."),
        (1e6, 1e6, "; the embeddings of both take 1.00 MB."),
    ],
)
def test_it_ends_with_the_bytes(of_a: float, of_b: float, expected: str) -> None:
    assert sentence(0.003, of_a, of_b).endswith(f"+0.0050){expected}")


def test_unknown_bytes_are_left_out() -> None:
    assert sentence(0.003, 4e6, None) == sentence(0.003)
