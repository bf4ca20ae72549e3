import json
import sys

import pytest

from components.preflight_result import PreflightResult
from pipeline.preflight.cli import main
from tests.components.trainer.preflight.fake_compiler import write_compiler


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "v9"], "expected chips of v2, v3, v4, v5e, v5p, each once; received 'v9'"),
        (["--device", "v3,v3"], "each once"),
        (["--batch-size", "0"], "expected an integer of 1 or more, received '0'"),
        (["--max-batch-size", "-1"], "expected an integer of 0 or more, received '-1'"),
        (["--spread", "ids"], "invalid choice: 'ids'"),
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
    sizes, output = tmp_path / "sizes.json", tmp_path / "out.json"
    sizes.write_text(json.dumps({"C1": 20, "dense_width": 2}))
    python = write_compiler(tmp_path / "python")
    flags = ["--preset=tiny", "--variants=hashing", "--device=v5e,v3", "--batch-size=8"]
    flags += ["--num-chips=4", "--spread=rows"]
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
    assert (result.num_chips, result.spread) == (4, "rows")
    assert "hashing on v3: does not fit" in capsys.readouterr().out
