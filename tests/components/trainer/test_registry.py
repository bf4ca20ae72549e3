import ast
import subprocess
import sys
from pathlib import Path

import pytest

from components.trainer.registry import known_methods, load_method, trainer_sources

ROOT = Path(__file__).parents[3]


def test_known_methods_are_the_files_of_the_folder_that_hold_one() -> None:
    methods = known_methods()
    assert {"full", "hashing", "quotient_remainder"} <= set(methods)
    assert {"base", "__init__", "parts"}.isdisjoint(methods)
    assert list(methods) == sorted(methods)


def test_listing_the_methods_imports_no_tensorflow() -> None:
    code = (
        "import sys; from components.trainer.registry import known_methods; known_methods(); "
        "print('tensorflow' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert output.stdout.strip() == b"False"


def test_class_has_the_name_of_the_file() -> None:
    assert load_method("quotient_remainder").__name__ == "QuotientRemainder"


@pytest.mark.parametrize("name", ["base", "__init__", "parts", "../model", "no method"])
def test_a_name_without_a_file_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"known: .*hashing"):
        load_method(name)


def imported_files(path: Path) -> set[Path]:
    """The file and all files of the trainer that it imports, at any distance."""
    found, waiting = set(), [path]
    while waiting:
        path = waiting.pop()
        found.add(path)
        nodes = ast.walk(ast.parse(path.read_text()))
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        names = [m for m in modules if m and m.startswith("components.trainer")]
        files = {ROOT / f"{name.replace('.', '/')}.py" for name in names}
        waiting += [file for file in files - found if file.is_file()]
    return found


@pytest.mark.parametrize("name", known_methods())
def test_sources_cover_all_files_of_the_trainer_that_a_training_imports(name: str) -> None:
    folder = ROOT / "components" / "trainer"
    needed = imported_files(folder / "run_fn.py") | imported_files(folder / f"embeddings/{name}.py")
    covered = {file for pattern in trainer_sources([name]) for file in ROOT.glob(pattern)}
    assert folder / "embeddings" / "parts" / "table.py" in needed
    assert needed <= covered


def test_sources_leave_other_methods_out() -> None:
    covered = {file.name for pattern in trainer_sources(["hashing"]) for file in ROOT.glob(pattern)}
    assert {"hashing.py", "full.py", "universal_hash.py"} <= covered
    assert {"cafe.py", "robe.py", "int8.py"}.isdisjoint(covered)
