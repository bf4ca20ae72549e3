import pytest

from pipeline.study.correction import adjust_together
from pipeline.study.result import GroupResult, Training
from tests.pipeline.study.result_parts import comparison, groups, metric, record


def done(group, *cells):
    """The trainings of a group, of which those of the cells are done."""
    skipped = Training("skipped", "none")
    return {
        cell.name: (Training("done", record=record(cell.name, 0)) if cell in cells else skipped,)
        for cell in group.cells
    }


def test_comparisons_of_all_groups_of_a_dataset_are_adjusted_together():
    main, sampling = groups()
    full, hashing, *_ = main.cells
    [sampled, _] = sampling.cells
    found = comparison(
        full.name,
        {
            full.name: {"auc_roc": metric(0.75)},
            hashing.name: {"auc_roc": metric(0.7, -0.05, 0.02), "f1": metric(0.5, -0.1, 0.5)},
        },
    )
    alone = comparison(sampled.name, {sampled.name: {"auc_roc": metric(0.5)}})
    beside = {sampled.name: {"auc_roc": metric(0.5, -0.25, 0.03)}}
    first, second = adjust_together(
        [
            GroupResult(main, done(main, full, hashing), 1, found, baseline=full),
            GroupResult(sampling, done(sampling, sampled), 1, alone, beside, full),
        ]
    )
    # Two comparisons: twice the smaller one, and the other not below it; f1 was tested once.
    assert first.metrics_of(hashing)["auc_roc"].adjusted_p_value == pytest.approx(0.04)
    assert second.metrics_of(sampled)["auc_roc"].adjusted_p_value == pytest.approx(0.04)
    assert first.metrics_of(hashing)["f1"].adjusted_p_value == pytest.approx(0.5)
    assert first.metrics_of(full)["auc_roc"].adjusted_p_value is None


def test_group_without_a_comparison_stays_as_it_is():
    main, _ = groups()
    result = GroupResult(main, done(main), error="no rows")
    assert adjust_together([result]) == [result]
