"""The sentences on top of the page, by hand."""

from pipeline.study.outcome.findings import findings, status_facts
from pipeline.study.outcome.read import read_study
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables


def study_of(*rows):
    curves = [row for final in rows for row in run_rows(key_of(final), [0.5, 0.4, 0.4])]
    return read_study(*tables(curves, list(rows)))


def key_of(final):
    return {name: final[name] for name in key("")}


FULL = final_row(key("full"), 0.7, embedding_bytes=4e6, train_seconds=10.0)


def hashing(*difference, **others):
    cell = key("hashing", variant="hashing")
    facts = {"baseline": "full", "embedding_bytes": 1e6, "train_seconds": 9.0}
    return final_row(cell, 0.69, difference, **{**facts, **others})


def method(*difference, **others):
    cell = key("b", method="batch_size", value="64")
    return final_row(cell, 0.72, difference, baseline="full", train_seconds=20.0, **others)


def test_clear_loss_is_said_with_its_interval_and_what_it_saves():
    found = findings(study_of(FULL, hashing(-0.01, -0.012, -0.008)))
    assert found.sentences == (
        "hashing against full: loses at 1MB −0.0100 (−0.0120 to −0.0080); tables 4.0x smaller; "
        "training takes 0.900x the time.",
    )
    assert found.headline == (
        "1 of 1 cell with another variant or architecture clearly loses AUC ROC to the baseline."
    )


def test_interval_that_holds_zero_is_never_a_claim():
    found = findings(study_of(FULL, hashing(-0.01, -0.02, 0.0), method(0.02, -0.001, 0.041)))
    assert found.sentences == (
        "No clear difference at any size: hashing against full.",
        "No clear difference at any size: batch_size 64.",
    )
    assert found.headline == (
        "None of 1 cell with a method clearly raises AUC ROC; 0 of 1 cell with another variant or "
        "architecture clearly lose AUC ROC to the baseline."
    )


def test_p_value_that_is_not_small_is_no_claim_either():
    found = findings(study_of(FULL, hashing(-0.01, -0.02, -0.001, auc_roc_p=0.07)))
    assert found.sentences == ("No clear difference at any size: hashing against full.",)


def test_clear_gain_of_a_method_names_where_and_the_cost():
    found = findings(study_of(FULL, method(0.02, 0.01, 0.03, auc_roc_p=0.001)))
    assert found.headline == (
        "1 of 1 cell with a method clearly raises AUC ROC, most batch_size 64 (1MB, dlrm, full): "
        "+0.0200."
    )
    assert found.sentences == (
        "batch_size 64: gains at 1MB +0.0200 (+0.0100 to +0.0300); training takes 2.00x the time.",
    )


def test_other_architecture_than_the_baseline_is_named():
    row = final_row(
        key("x", architecture="dcnv2", variant="hashing"), 0.71, (0.01, 0.005, 0.015),
        baseline="full",
    )  # fmt: skip
    assert findings(study_of(FULL, row)).sentences == (
        "hashing of dcnv2 against full of dlrm: gains at 1MB +0.0100 (+0.0050 to +0.0150).",
    )


def test_study_of_one_cell_compares_nothing():
    found = findings(study_of(FULL))
    assert found.headline == "1 cell measured; none to compare with another."
    assert (found.sentences, found.caveat) == ((), "")


def test_study_without_cells_says_so():
    study = read_study(*tables([], []))
    assert findings(study).headline.startswith("No training of this study was done")
    assert status_facts(study) == ["0 cells", "0 trainings done"]


def test_failed_and_skipped_trainings_are_counted():
    bad = [
        {**key("x", method="dropout"), "seed": seed, "status": status}
        for seed, status in enumerate(["failed", "skipped", "skipped"])
    ]
    study = read_study(*tables([*run_rows(key("full"), [0.5]), *bad], [FULL]))
    assert status_facts(study)[:4] == ["1 cell", "1 training done", "1 failed", "2 skipped"]


def test_lengths_of_trainings_are_said():
    curves = [
        *run_rows(key("full"), [0.5, 0.4, 0.45], seed=0),
        *run_rows(key("full"), [0.5, 0.4, 0.3], seed=1),
    ]
    assert findings(read_study(*tables(curves, [FULL]))).sentences == (
        "Of 2 trainings, 1 overfitted at the end and 1 was still improving: see the table of "
        "convergence.",
    )


def test_method_beside_another_method_is_not_said_to_be_beside_none():
    # The cell without a method has failed, so another one stands in.
    other = final_row(key("a", method="epochs", value="2"), 0.7)
    study = study_of(other, {**method(0.02, 0.01, 0.03, auc_roc_p=0.001), "baseline": "a"})
    found = findings(study)
    assert "batch_size 64 with full against epochs 2 with full" in found.headline
    assert not any(study.shows_method(cell) for cell in study.cells)


def test_caveat_of_one_seed_says_that_its_noise_is_missing():
    rows = FULL, hashing(-0.01, -0.012, -0.008)
    assert "over rows (one seed: its noise is not in them)." in findings(study_of(*rows)).caveat
    seeds = [{**row, "num_seeds": 3} for row in rows]
    assert "Intervals are over rows and seeds." in findings(study_of(*seeds)).caveat
