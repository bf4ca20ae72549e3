import subprocess
import sys

import pytest

from components.trainer.registry import known_methods, load_method


def test_known_methods_are_the_files_of_the_folder_that_hold_one() -> None:
    methods = known_methods()
    assert {"full", "hashing", "quotient_remainder"} <= set(methods)
    assert {"base", "__init__"}.isdisjoint(methods)
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


@pytest.mark.parametrize("name", ["base", "__init__", "../model", "no method"])
def test_a_name_without_a_file_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"known: .*hashing"):
        load_method(name)
