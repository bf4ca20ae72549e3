import ast
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[5] / "components" / "trainer" / "preflight"
_OWN = {"components"}
_COMPILERS = {"jax", "jaxlib", "numpy"}
# What the compiler's environment loads besides its own folder.
_PACKAGES = [_FOLDER, _FOLDER.parent, _FOLDER.parent.parent]
_SHARED = [_FOLDER / "chips.py", *(folder / "__init__.py" for folder in _PACKAGES)]


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize(
    "path",
    [*sorted((_FOLDER / "compiler").glob("*.py")), *_SHARED],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_compilers_side_imports_jax_and_the_standard_library_only(path):
    allowed = set(sys.stdlib_module_names) | _COMPILERS | _OWN
    names = list(_imported(path))
    assert {name.split(".")[0] for name in names} <= allowed
    own = [name for name in names if name.split(".")[0] in _OWN]
    assert all(name.startswith("components.trainer.preflight.c") for name in own), own
