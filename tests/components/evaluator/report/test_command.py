import shlex
from html import unescape

import pytest

from components.evaluator.report.command import reproduce, reproduce_note
from pipeline.load_config import load_config
from tests.components.evaluator.report.sample import sample_comparison


def flags(comparison) -> dict[str, list[str]]:
    """Returns flag -> its values, of the command that runs it again."""
    text = unescape(reproduce(comparison)).replace("\\\n", "")
    words = shlex.split(text[text.index(".venv/bin/python run_local.py") :])[2:]
    found: dict[str, list[str]] = {}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        found.setdefault(flag, []).append(value)
    return found


def compared(config, **changes):
    """Returns a comparison of a configuration's variants, with the trainers' own JSON."""
    trainers = config.trainers()
    sample = sample_comparison(len(trainers), chosen="full")
    variants = tuple(
        result.model_copy(update={"name": name, "config": trainer.model_dump(mode="json")})
        for result, (name, trainer) in zip(sample.variants, trainers.items(), strict=True)
    )
    return sample.model_copy(update={"variants": variants, **changes})


def test_reproduce_traces_the_chosen_model():
    # The sample's models are artifacts 7, 8, 9, ... in the order of the variants.
    assert "--root ROOT trace 9\n" in reproduce(sample_comparison(4, chosen="int8"))


def test_reproduce_of_a_comparison_without_a_choice_traces_an_input():
    assert "--root ROOT trace 1\n" in reproduce(sample_comparison(4, chosen=None))


def with_lineage(comparison, **known):
    lineage = comparison.lineage.model_copy(update=known)
    return comparison.model_copy(update={"lineage": lineage})


def test_reproduce_of_a_known_run_is_its_very_command():
    command = "run_local.py --preset demo --set 'evaluator.max_auc_loss=<0.1'"
    text = unescape(reproduce(with_lineage(sample_comparison(2, chosen="full"), command=command)))
    assert text.endswith(f"# The same again:\n.venv/bin/python {command}")
    assert text.count("run_local.py") == 1


def test_reproduce_names_the_commit_and_whether_files_differed():
    comparison = sample_comparison(2, chosen="full")
    assert reproduce(comparison).startswith("# In a checkout of the commit that was run:\n")
    clean = with_lineage(comparison, commit="1f0ed52", has_local_changes=False)
    assert reproduce(clean).startswith("# In a checkout of 1f0ed52:\n")
    changed = with_lineage(comparison, commit="1f0ed52", has_local_changes=True)
    assert reproduce(changed).startswith("# In a checkout of 1f0ed52 (files of it were changed):\n")


def test_note_asks_for_further_flags_only_where_the_command_is_not_known():
    comparison = sample_comparison(2, chosen="full")
    assert "Add the run's --preset" in reproduce_note(comparison)
    assert "Add" not in reproduce_note(with_lineage(comparison, command="run_local.py"))


def test_reproduce_sets_what_was_changed():
    changed = {"baseline": "full", "max_auc_loss": 0.001, "objective": "serving_bytes"}
    comparison = sample_comparison(2, chosen="full").model_copy(update={"config": changed})
    assert flags(comparison) == {
        "--root": ["ROOT"],
        "--variants": ["full,frequency_threshold"],
        "--set": ["evaluator.max_auc_loss=0.001", "evaluator.objective=serving_bytes"],
    }


def test_reproduce_sets_the_seeds_if_there_are_several():
    assert flags(sample_comparison(2, num_seeds=3, chosen="full"))["--set"] == ["seeds=3"]


def test_reproduce_names_a_stack_by_its_methods():
    comparison = compared(load_config("tiny", ["full", "hashing+int8"]))
    assert flags(comparison)["--variants"] == ["full,hashing+int8"]


def test_reproduce_sets_a_variant_with_a_name_of_its_own_whole():
    config = load_config("tiny", ["full"], ['variants.small={"embedding": {"method": "hashing"}}'])
    found = flags(compared(config))
    assert found["--variants"] == ["full"]
    assert found["--set"][0].startswith('variants.small={"embedding": {"method": "hashing"')


def test_reproduce_of_names_of_a_preset_alone_keeps_them():
    config = load_config(
        "tiny",
        ["full", "hashing"],
        ["evaluator.baseline=base", "variants.base={}", "variants.small={}"],
    )
    comparison = compared(config)
    mine = tuple(v for v in comparison.variants if v.name in ("base", "small"))
    shown = comparison.model_copy(update={"variants": mine, "baseline": "base", "chosen": None})
    assert flags(shown)["--variants"] == ["base,small"]


@pytest.mark.parametrize(
    ("preset", "variants", "assignments"),
    [
        ("demo", None, []),  # one of its variants is a stack with a compression_ratio
        ("tiny", ["full", "hashing+int8"], ["variants.hashing_int8.compression_ratio=8"]),
        ("tiny", ["full", "hashing+int8"], []),
        ("tiny", ["full", "hashing"], ["variants.hashing.epochs=2"]),
        ("tiny", ["full"], ['variants.small={"embedding": {"method": "hashing"}, "epochs": 2}']),
        (
            "tiny",
            ["full", "hashing+int8"],
            ['variants.hashing_int8.embedding.options={"hashing": {"compression_ratio": 8}}'],
        ),
    ],
)
def test_reproduce_gives_the_same_trainers(preset, variants, assignments):
    config = load_config(preset, variants, assignments)
    found = flags(compared(config))
    again = load_config(preset, found["--variants"][0].split(","), found.get("--set", []))
    assert again.trainers() == config.trainers()
