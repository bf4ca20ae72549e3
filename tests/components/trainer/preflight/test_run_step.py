import json
from pathlib import Path

import pytest

from components.errors import InputError
from components.features import Features, write_features
from components.preflight_result import PreflightResult
from components.trainer.config import TrainerConfig
from components.trainer.preflight.config import PreflightConfig
from components.trainer.preflight.run_step import run_step
from schemas.schema_file import read_schema_file
from tests.components.trainer.click_batches import make_config
from tests.components.trainer.preflight.fake_compiler import write_compiler


@pytest.fixture
def run(tmp_path: Path):
    """Runs the step on a log of two features; the last argument is the compiler."""
    log = read_schema_file("criteo").click_log
    features = Features(click_log=log, dense_width=2, vocabulary_sizes={"C1": 20, "C2": 30})
    write_features(str(tmp_path), features)
    compiler = write_compiler(tmp_path / "python")

    def start(
        trainers: dict[str, TrainerConfig], python: Path = compiler, **fields: object
    ) -> PreflightResult:
        config = PreflightConfig.model_validate({"max_batch_size": 0, **fields})
        return run_step(trainers, config, str(tmp_path), str(tmp_path), python)

    return start


def written(folder: Path) -> PreflightResult:
    return PreflightResult.model_validate_json((folder / "preflight.json").read_text())


def test_every_variant_is_compiled_at_the_batch_of_its_trainer(run, tmp_path: Path) -> None:
    trainers = {
        "full": make_config(variant="full"),
        "hashing": make_config(variant="hashing", batch_size=64, embedding={"method": "hashing"}),
    }
    result = run(trainers)
    assert [(c.variant, c.batch_size, c.outcome) for c in result.cells] == [
        ("full", 32, "compiles"),
        ("hashing", 64, "compiles"),
    ]
    assert written(tmp_path) == result
    assert result.model.vocabulary_sizes == {"C1": 20, "C2": 30}
    assert result.versions["libtpu"] == "1"


def test_what_does_not_fit_stops_the_run_with_variant_chip_cause_and_cure(
    run, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError,
        match="variant full does not fit on v3 at 32 rows a step: Ran out of memory on HBM; "
        "usual cure: a smaller batch",
    ):
        run({"full": make_config(variant="full")}, chips=["v5e", "v3"])
    assert [cell.outcome for cell in written(tmp_path).cells] == ["compiles", "does_not_fit"]


def test_missing_compiler_is_a_word_in_the_result(run, tmp_path: Path) -> None:
    result = run({"full": make_config()}, python=tmp_path / "none")
    assert result.cells == ()
    assert result.skipped == f"no TPU compiler at {tmp_path / 'none'}: `make preflight` sets it up"
    assert written(tmp_path) == result


def test_missing_compiler_stops_the_run_where_it_is_required(run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"preflight\.required: no TPU compiler at"):
        run({"full": make_config()}, python=tmp_path / "none", required=True)


def test_what_the_trainer_refuses_on_tpus_is_told_before(run) -> None:
    config = make_config(
        variant="coded", device="tpu", embedding={"method": "product_quantized"}, min_table_rows=1
    )
    with pytest.raises(InputError, match="variant coded: product_quantized: expected methods that"):
        run({"coded": config})


def test_spread_rows_are_those_of_the_tables(run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def export(*arguments: object) -> None:
        asked.append(arguments[-2:])
        raise InputError("enough")

    monkeypatch.setattr("components.trainer.preflight.check_all.export_step", export)
    for spread in ("batch", "rows"):
        with pytest.raises(InputError, match="enough"):
            run({"full": make_config()}, num_chips=4, spread=spread)
    assert asked == [(4, False), (4, True)]


def test_unknown_chip_is_refused() -> None:
    with pytest.raises(ValueError, match="expected chips of v2, v3, v4, v5e, v5p, each once"):
        PreflightConfig.from_json(json.dumps({"chips": ["v9"]}))
