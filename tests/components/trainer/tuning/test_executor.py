"""The executor alone, with TFX's artifacts."""

import json
from pathlib import Path

import pytest

from components.trainer.config import TrainerConfig
from components.trainer.tuning import trials
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.results import TuningResult
from tests.components.trainer.tuning.test_tune import SEARCH, logloss


@pytest.fixture
def run(small_log, tmp_path, monkeypatch):
    """Runs the step with an execution id and invented losses."""
    from tfx.types import standard_artifacts

    from components.trainer.tuning.executor import Executor

    examples = tmp_path / "examples"
    examples.mkdir()
    (examples / "Split-train").symlink_to(Path(small_log.train_files[0]).parent)

    def artifact(kind, uri, **properties):
        made = getattr(standard_artifacts, kind)()
        made.uri = str(uri)
        for name, value in properties.items():
            setattr(made, name, value)
        return [made]

    def run(execution, train=logloss, code_version="1"):
        monkeypatch.setattr(trials, "train_once", lambda config, rows: (train(config), 1.0))
        step = tmp_path / "Tuner"
        outputs = {
            "best_hyperparameters": artifact("HyperParameters", step / f"hp/{execution}"),
            "tuner_results": artifact("TunerResults", step / f"results/{execution}"),
        }
        Executor().Do(
            {
                # There is no eval split in this folder: it is not read.
                "examples": artifact("Examples", examples, split_names='["train", "eval"]'),
                "transform_graph": artifact("TransformGraph", small_log.features_dir),
            },
            outputs,
            {
                "trainer": TrainerConfig(embedding_dim=2).to_json(),
                "config": TunerConfig(search=SEARCH).to_json(),
                "code_version": code_version,
            },
        )
        return step

    return run


def test_step_writes_both_artifacts_and_reads_no_eval_rows(run):
    step = run(7)
    [path] = (step / "hp/7").iterdir()
    assert json.loads(path.read_text())["values"]["embedding_dim"] == 8
    result = TuningResult.model_validate_json((step / "results/7/tuning.json").read_text())
    assert result.train_rows + result.held_out_rows == 700


@pytest.mark.parametrize(("version", "num_trained"), [("1", 3 + 2), ("2", 3 + 5)])
def test_next_try_of_an_interrupted_step_goes_on_if_the_code_is_the_same(run, version, num_trained):
    trained = []

    def train(config):
        if len(trained) == 3 and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        trained.append(config)
        return logloss(config)

    interrupted = []
    with pytest.raises(KeyboardInterrupt):
        run(7, train)
    run(8, train, version)
    assert len(trained) == num_trained


@pytest.mark.parametrize("given", [{}, {"custom_config": "{}"}])
def test_step_can_be_told_where_to_run(given):
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from components.trainer.tuning.component import TrainerTunerSpec

    spec = TrainerTunerSpec(
        trainer="",
        config="",
        code_version="",
        examples=Channel(type=standard_artifacts.Examples),
        transform_graph=Channel(type=standard_artifacts.TransformGraph),
        best_hyperparameters=Channel(type=standard_artifacts.HyperParameters),
        tuner_results=Channel(type=standard_artifacts.TunerResults),
        **given,
    )
    assert set(spec.exec_properties) == {"trainer", "config", "code_version", *given}
