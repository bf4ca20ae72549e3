import importlib
import re

import pytest

import schemas
from schemas import artifacts

TYPES = (artifacts.Comparison, artifacts.Predictions, artifacts.Preflight, artifacts.Quarantine)


@pytest.mark.parametrize("artifact_type", TYPES)
def test_type_name_is_a_path_that_vertex_can_import(artifact_type):
    assert re.fullmatch(r"[A-Za-z0-9]+\.[A-Z][A-Za-z0-9]*", artifact_type.TYPE_NAME)
    module, name = artifact_type.TYPE_NAME.split(".")
    assert getattr(importlib.import_module(module), name) is artifact_type


def test_schemas_has_no_other_attribute():
    with pytest.raises(AttributeError, match="Nope"):
        schemas.Nope  # noqa: B018
