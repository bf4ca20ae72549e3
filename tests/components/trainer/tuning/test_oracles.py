import pytest
from keras_tuner.engine.trial import TrialStatus

from components.trainer.tuning.oracles import make_oracle, space
from tests.components.trainer.tuning.searches import RATE, make_options

FIELDS = {"embedding_dim": {"values": [4, 8]}, "top_mlp": {"values": [[8], [16, 8], []]}}


def proposals(oracle, tuner_ids):
    trials = [oracle.create_trial(tuner_id) for tuner_id in tuner_ids]
    return [trial.hyperparameters.values for trial in trials], [trial.status for trial in trials]


def test_grid_proposes_all_combinations_while_none_has_ended(tmp_path):
    oracle = make_oracle(make_options("grid", FIELDS), str(tmp_path))
    values, statuses = proposals(oracle, map(str, range(6)))
    assert statuses == [TrialStatus.RUNNING] * 6
    tried = [(v["embedding_dim"], v["top_mlp"]) for v in values]
    assert tried == [(d, mlp) for d in (4, 8) for mlp in ("[8]", "[16, 8]", "[]")]


def test_grid_ends_after_its_last_combination(tmp_path):
    oracle = make_oracle(make_options("grid", FIELDS), str(tmp_path))
    _, statuses = proposals(oracle, map(str, range(7)))
    assert statuses[-1] == TrialStatus.STOPPED


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_range_is_proposed_to_several_at_once(tmp_path, algorithm):
    oracle = make_oracle(make_options(algorithm, max_trials=3), str(tmp_path))
    values, _ = proposals(oracle, "abc")
    assert len({v[RATE] for v in values}) == 3


def test_numbers_of_two_types_are_an_ordered_choice():
    [choice] = space(make_options(fields={RATE: {"values": [1, 0.5]}}).fields).space
    assert choice.ordered
    assert choice.values == [1.0, 0.5]
