import json
import sys

import pytest

from components.preflight_result import PreflightResult
from pipeline.preflight.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "v9"], "expected chips of v2, v3, v4, v5e, v5p, each once; received 'v9'"),
        (["--device", "v3,v3"], "each once"),
        (["--batch-size", "0"], "expected an integer of 1 or more, received '0'"),
        (["--max-batch-size", "-1"], "expected an integer of 0 or more, received '-1'"),
        (["--root", "a", "--vocabulary-sizes", "b"], "not allowed with"),
    ],
)
def test_wrong_flags_end_with_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "none"], "unknown preset 'none'"),
        (["--variants", "none"], "unknown variant 'none'"),
        (["--vocabulary-sizes", "none.json"], "none.json: expected a JSON file"),
    ],
)
def test_wrong_input_ends_with_2_and_a_message(arguments, words, tmp_path, capsys):
    output = tmp_path / "preflight.json"
    assert main([*arguments, "--output", str(output), "--compiler", sys.executable]) == 2
    assert words in capsys.readouterr().err
    assert not output.exists()


def test_missing_compiler_ends_with_2_and_names_the_cure(tmp_path, capsys):
    output = tmp_path / "preflight.json"
    assert main(["--compiler", "none", "--output", str(output)]) == 2
    assert "expected a Python at none; `make preflight` sets it up" in capsys.readouterr().err


def test_missing_root_ends_with_2_and_is_not_made(tmp_path, capsys):
    root = tmp_path / "none"
    assert main(["--root", str(root), "--compiler", sys.executable]) == 2
    assert f"--root: {root} is not a folder" in capsys.readouterr().err
    assert not root.exists()


def test_variants_are_compiled_and_written(tmp_path, capsys):
    """A program that answers for the compiler: the memory of v3 is too small for it."""
    sizes, python, output = (tmp_path / name for name in ("sizes.json", "python", "out.json"))
    sizes.write_text(json.dumps({"C1": 20, "dense_width": 2}))
    memory = dict.fromkeys(("arguments", "outputs", "aliased", "temporaries", "code"), 1000)
    compiled = {
        "status": "compiled",
        "seconds": 1.0,
        "versions": {"libtpu": "1"},
        "memory": {f"{name}_bytes": size for name, size in memory.items()},
        "cost": {},
    }
    refused = {
        "status": "refused",
        "seconds": 1.0,
        "versions": {},
        "message": "Ran out of memory on HBM",
    }
    python.write_text(
        "#!/bin/bash\n"
        f"""if [[ "$5" = v3 ]]; then echo '{json.dumps(refused)}'; """
        f"""else echo '{json.dumps(compiled)}'; fi > "${{@: -1}}"\n"""
    )
    python.chmod(0o755)
    flags = ["--preset=tiny", "--variants=full", "--device=v5e,v3", "--batch-size=8"]
    flags += [f"--vocabulary-sizes={sizes}", f"--output={output}", f"--compiler={python}"]
    flags += ["--max-batch-size=0", "--set=trainer.embedding_optimizer.name=sgd"]
    assert main(flags) == 1
    result = PreflightResult.model_validate_json(output.read_text())
    assert [(cell.chip, cell.outcome) for cell in result.cells] == [
        ("v5e", "compiles"),
        ("v3", "does_not_fit"),
    ]
    assert result.versions == {"tensorflow": "2.16.2", "libtpu": "1"}
    assert result.model.total_rows == 20
    assert "full on v3: does not fit" in capsys.readouterr().out
