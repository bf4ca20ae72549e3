from pathlib import Path

from pipeline.study.plan import Plan
from pipeline.study.result import GroupResult, StudyResult, Training
from pipeline.study.text import plan_text, result_text
from tests.pipeline.study.result_parts import groups, record, timing

SKIPPED = Training("skipped", "device gpu: none")


def test_plan_lists_cells_and_adds_up():
    main, _ = groups()
    cells = main.cells[:2]
    timings = tuple(
        timing(cell, 0).model_copy(update={"num_cores": 1.0, "seconds": seconds})
        for cell, seconds in zip(cells, (30.0, 60.0), strict=True)
    )
    text = plan_text(Plan((main,), 2, None, 2, 2, 4000, timings))
    lines = text.splitlines()
    assert lines[0].split() == ["cell", "device", "a", "seed", "how", "known"]
    assert lines[1].split() == ["1MB/dlrm_full", "cpu", "30", "s", "measured"]
    assert lines[2].split() == ["1MB/dlrm_hashing", "cpu", "1", "min", "0", "s", "measured"]
    assert lines[3].split()[-1] == "assumed"  # on a GPU, that no training has used yet
    assert "4 cells in 1 groups, 2 seeds each: 8 trainings, 2 at once with 1 cores each" in text


def test_result_counts_and_names_reasons_once():
    main, sampling = groups()
    full, hashing, gpu, other_gpu = main.cells
    done = Training("done", record=record(full.name, 0))
    killed = Training("failed", "its process was killed")
    trainings = {
        full.name: (done, done),
        hashing.name: (killed, killed),
        gpu.name: (SKIPPED, SKIPPED),
        other_gpu.name: (SKIPPED, SKIPPED),
    }
    broken = Training("failed", "the log is too small")
    of_sampling = {cell.name: (broken, broken) for cell in sampling.cells}
    result = StudyResult(
        (
            GroupResult(main, trainings),
            GroupResult(sampling, of_sampling, error="the log is too small"),
        )
    )
    assert result_text(result, Path("s"), Path("s/index.html")).splitlines() == [
        "2 trainings done, 6 failed, 4 skipped",
        "  1MB/dlrm_hashing: its process was killed",
        "  1MB/dlrm_full_gpu, 1MB/dlrm_hashing_gpu: device gpu: none",
        "  1MB_sampling_0_5: no comparison: the log is too small",
        "tables        s",
        "page          s/index.html",
    ]
