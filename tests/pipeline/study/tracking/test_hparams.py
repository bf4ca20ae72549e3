"""The logs read back by TensorBoard's own plugin."""

import pytest
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

from pipeline.study.tracking import track
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables

FULL, METHOD = key("1MB/full"), key("1MB/b", method="batch_size", value="64")
BAD = {**key("1MB/bad", variant="hashing"), "seed": 0, "status": "failed", "error": "no memory"}
SKIPPED = {**key("1MB/gpu", device="gpu"), "seed": 0, "status": "skipped", "error": "no GPU"}


@pytest.fixture
def groups(tmp_path):
    """Session name -> what the plugin lists of it."""
    curves = [
        *run_rows(FULL, [0.5, 0.4]),
        *run_rows(METHOD, [0.5, 0.3], seed=7, batch_size=64.0),
        BAD,
        SKIPPED,
    ]
    study = tables(curves, [final_row(FULL, 0.7), final_row(METHOD, 0.7)])
    track(tmp_path, *study, None)
    track(tmp_path, *study, None)  # again: nothing is doubled
    return listed(tmp_path / "hparams")


def listed(folder):
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request_context = RequestContext()
    experiment = context.experiment_from_metadata(
        request_context, "", False, context.hparams_metadata(request_context, ""), []
    )
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE],
    )
    for metric in experiment.metric_infos:
        request.col_params.add(metric=metric.name)
    handler = list_session_groups.Handler(request_context, context, "", request)
    return {group.name: group for group in handler.run().session_groups}


def test_each_training_is_a_session_with_its_hyperparameters(groups):
    assert set(groups) == {"1MB/full seed 0", "1MB/b seed 7", "1MB/bad seed 0"}
    chosen = groups["1MB/b seed 7"].hparams
    assert chosen["method"].string_value == "batch_size"
    assert chosen["batch_size"].number_value == 64
    assert chosen["seed"].number_value == 7


def test_metrics_are_those_of_the_last_evaluation(groups):
    values = {m.name.tag: m.value for m in groups["1MB/b seed 7"].metric_values}
    assert values["eval_logloss"] == pytest.approx(0.3)
    assert values["train_seconds"] == 4.0


def test_failed_training_is_a_failed_session(groups):
    [session] = groups["1MB/bad seed 0"].sessions
    assert session.status == api_pb2.STATUS_FAILURE
