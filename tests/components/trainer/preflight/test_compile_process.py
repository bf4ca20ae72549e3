import json
import os
import sys
from pathlib import Path

import pytest

from components.errors import InputError
from components.trainer.preflight.compile_process import compile_in_process

MANIFEST = {"num_chips": 1}
RESULT = {
    "versions": {"jax": "1"},
    "status": "compiled",
    "memory": {"code_bytes": 3},
    "cost": {"flops": 4.0},
    "seconds": 0.5,
}


def _interpreter(folder, script):
    """A program in the place of the compiler's Python; `$RESULT` is the file that it writes."""
    path = folder / "python"
    path.write_text(f'#!/bin/bash\nRESULT="${{@: -1}}"\nDUMP="${{XLA_FLAGS#*=}}"\n{script}\n')
    path.chmod(0o755)
    return path


def _compile(python, **options):
    return compile_in_process(b"program", MANIFEST, "v5e", python, **options)


def test_result_and_texts_come_back(tmp_path):
    script = f"""
DUMP="${{DUMP%% *}}"; mkdir "$DUMP"
echo early > "$DUMP/module_0000.step.before_optimizations.txt"
echo late > "$DUMP/module_0000.step.after_optimizations.txt"
echo other > "$DUMP/module_0002.extracted.after_optimizations.txt"
echo '{json.dumps(RESULT)}' > "$RESULT"
"""
    found = _compile(_interpreter(tmp_path, script))
    assert found.status == "compiled"
    assert (found.memory, found.cost, found.seconds) == ({"code_bytes": 3}, {"flops": 4.0}, 0.5)
    assert (found.before, found.after) == ("early\n", "late\n")


def test_texts_are_not_asked_for_where_they_are_not_kept(tmp_path):
    script = f"""test -z "$XLA_FLAGS" && echo '{json.dumps(RESULT)}' > "$RESULT" """
    found = _compile(_interpreter(tmp_path, script), keep_text=False)
    assert (found.status, found.before) == ("compiled", "")


def test_process_gets_program_chip_and_manifest(tmp_path):
    script = """
test "$(cat "$3")" = program && test "$4 $5" = "--chip v5e" && grep -q num_chips "$7" &&
  echo '{"versions": {}, "status": "refused", "message": "no", "seconds": 1.0}' > "$RESULT"
"""
    found = _compile(_interpreter(tmp_path, script))
    assert (found.status, found.message) == ("refused", "no")


def test_crash_of_the_compiler_is_a_result_with_the_end_of_its_log(tmp_path):
    found = _compile(_interpreter(tmp_path, "echo some check failed >&2; kill -SEGV $$"))
    assert found.status == "died"
    assert "ended with -11" in found.message
    assert "some check failed" in found.message


def test_compiler_that_hangs_is_ended(tmp_path):
    found = _compile(_interpreter(tmp_path, "exec sleep 60"), timeout_seconds=0.2)
    assert (found.status, found.message) == ("died", "no result after 0 s")


def test_wrong_versions_are_an_error_for_the_user(tmp_path):
    script = "echo preflight compiler: expected jax 1, found jax 2 >&2; exit 3"
    with pytest.raises(InputError, match=r"^expected jax 1, found jax 2$"):
        _compile(_interpreter(tmp_path, script))


def test_interpreter_may_be_named_from_here(tmp_path, monkeypatch):
    _interpreter(tmp_path, f"""echo '{json.dumps(RESULT)}' > "$RESULT" """)
    monkeypatch.chdir(tmp_path)
    assert _compile(Path("python")).status == "compiled"


def test_interpreter_without_the_compiler_is_the_wrong_environment():
    with pytest.raises(InputError, match=r"expected jax .*, found jax none and libtpu none"):
        _compile(Path(sys.executable))


def test_missing_environment_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(InputError, match="make preflight"):
        _compile(tmp_path / "none")


def test_settings_for_machines_without_a_chip_stay_in_the_process(tmp_path):
    script = f"""test "$TPU_SKIP_MDS_QUERY" = 1 && echo '{json.dumps(RESULT)}' > "$RESULT" """
    before = dict(os.environ)
    assert _compile(_interpreter(tmp_path, script)).status == "compiled"
    assert dict(os.environ) == before
