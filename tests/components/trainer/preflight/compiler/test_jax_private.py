import re
from pathlib import Path

import pytest

from components.trainer.preflight.compiler import jax_private

_REQUIREMENTS = Path(__file__).parents[5] / "requirements-preflight.txt"


def test_expected_versions_are_the_locked_ones():
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", _REQUIREMENTS.read_text(), re.MULTILINE))
    assert {name: locked[name] for name in jax_private.EXPECTED_VERSIONS} == (
        jax_private.EXPECTED_VERSIONS
    )


def test_other_versions_are_refused_before_anything_private_is_touched(monkeypatch):
    monkeypatch.setattr(jax_private.metadata, "version", lambda name: "9.9")
    with pytest.raises(
        jax_private.WrongEnvironmentError,
        match=r"expected jax 0\.10\.2 and libtpu 0\.0\.51, found jax 9\.9 and libtpu 9\.9: `make",
    ):
        jax_private.compile_program(b"", "v5e:2x2", 1)


def test_missing_package_has_the_version_none(monkeypatch):
    def missing(name):
        raise jax_private.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(jax_private.metadata, "version", missing)
    assert jax_private.installed_versions() == {"jax": "none", "libtpu": "none"}
