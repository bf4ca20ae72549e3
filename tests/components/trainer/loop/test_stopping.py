from components.trainer.loop.stopping import Patience
from components.training_record import EvalPoint


def add(patience: Patience, loglosses: list[float], min_improvement: float = 0.0) -> list[bool]:
    """Evaluations after steps 1, 2, ...; which of them are the best so far."""
    return [
        patience.add(
            EvalPoint(step=step, examples=step, train_seconds=0.0, logloss=logloss), min_improvement
        )
        for step, logloss in enumerate(loglosses, start=1)
    ]


def test_the_best_is_kept_and_the_others_are_counted() -> None:
    patience = Patience()
    assert add(patience, [0.5, 0.4, 0.45, 0.4]) == [True, True, False, False]
    assert (patience.best_step, patience.best_logloss, patience.num_worse) == (2, 0.4, 2)


def test_a_better_one_starts_the_count_again() -> None:
    patience = Patience()
    add(patience, [0.5, 0.6, 0.7, 0.4])
    assert (patience.best_step, patience.num_worse) == (4, 0)


def test_an_improvement_that_is_too_small_does_not_count() -> None:
    patience = Patience()
    assert add(patience, [0.5, 0.4375, 0.25], min_improvement=0.0625) == [True, False, True]


def test_reset_keeps_the_best() -> None:
    patience = Patience()
    add(patience, [0.5, 0.6])
    patience.reset()
    assert (patience.best_step, patience.best_logloss, patience.num_worse) == (1, 0.5, 0)
