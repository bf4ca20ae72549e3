import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest

from components.evaluator.statistics import compiled as module
from components.evaluator.statistics.compiled import compiled

SOURCE = """
import numpy as np

from components.evaluator.statistics.compiled import compiled


@compiled("void(float64[::1])")
def double(values):
    for i in range(len(values)):
        values[i] *= 2.0
"""


def machine_code(folder):
    return sorted(path.name for path in Path(folder).rglob("*.nb?"))


def load(path):
    spec = importlib.util.spec_from_file_location("kernels", path)
    kernels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernels)
    return kernels


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    path = folder / "kernels.py"
    path.write_text(SOURCE)
    return path


def test_machine_code_is_kept_beside_the_source(source):
    values = np.array([1.0, 2.5])
    load(source).double(values)
    np.testing.assert_array_equal(values, [2.0, 5.0])
    assert len(machine_code(source.parent / "__pycache__")) == 2


def test_machine_code_is_kept_in_the_users_folder_or_nowhere(source, tmp_path, monkeypatch):
    # A file in its place can be no folder, whoever runs this.
    (source.parent / "__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    for cache in (tmp_path / "cache", tmp_path / "file"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        values = np.array([1.0, 2.5])
        load(source).double(values)
        np.testing.assert_array_equal(values, [2.0, 5.0])
    assert len(machine_code(tmp_path / "cache")) == 2
    assert machine_code(source.parent) == []


def test_threads_compile_a_function_once(source, monkeypatch):
    made = []
    compile_one = module._compile

    def count(*arguments):
        made.append(arguments)
        return compile_one(*arguments)

    monkeypatch.setattr(module, "_compile", count)
    double = load(source).double
    values = np.ones((8, 1000))
    threads = [threading.Thread(target=double, args=(each,)) for each in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(values, np.full((8, 1000), 2.0))
    assert len(made) == 1


def test_arrays_of_another_type_are_refused():
    @compiled("void(float64[::1])")
    def nothing(values):
        pass

    with pytest.raises(TypeError, match="No matching definition"):
        nothing(np.ones(3, np.float32)[::2])
