import json

import pytest

from components.errors import InputError
from components.evaluator.model_run import TrainingFacts, read_training_facts
from tests.components.evaluator.tiny import save_training


def test_training_facts_are_read_and_others_ignored(tmp_path):
    assert read_training_facts(str(save_training(tmp_path / "full", 4000))) == TrainingFacts(
        num_parameters=1000,
        embedding_bytes=4000,
        train_seconds=2.5,
        train_examples_per_second=256.0,
    )


def test_training_facts_missing_file_names_it(tmp_path):
    with pytest.raises(InputError, match=r"training\.json: not found"):
        read_training_facts(str(tmp_path))


def test_training_facts_missing_field_names_file_and_field(tmp_path):
    path = save_training(tmp_path / "full", 4000) / "training.json"
    facts = json.loads(path.read_text())
    del facts["embedding_bytes"]
    path.write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"training\.json: (?s:.*)embedding_bytes"):
        read_training_facts(str(path.parent))
