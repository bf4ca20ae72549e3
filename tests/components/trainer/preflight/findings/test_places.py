import pytest

from components.trainer.preflight.findings.places import Places

PLACES = Places({"operations": {"a/b": ["layer", "file.py:1"]}})


@pytest.mark.parametrize("name", ["a/b", "step/a/b", "step/a/b.12", "a/b.1"])
def test_longest_known_end_of_a_name_counts(name):
    place = PLACES.of(name)
    assert (place.operation, place.layer, place.file) == (name, "layer", "file.py:1")


@pytest.mark.parametrize("name", ["", "b", "a/b/c", "a/bc"])
def test_unknown_name_has_no_place(name):
    assert PLACES.of(name).file == ""


def test_manifest_without_operations_knows_no_place():
    assert Places({}).of("a/b").layer == ""
