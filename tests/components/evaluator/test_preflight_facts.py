import pytest

from components.errors import InputError
from components.evaluator.preflight_facts import read_preflight
from tests.components.preflight_sample import sample_result


def test_facts_are_those_of_the_file(tmp_path):
    (tmp_path / "preflight.json").write_text(sample_result().model_dump_json())
    facts = read_preflight(str(tmp_path))
    assert facts.hbm_bytes == {"v5e": 16_900_000_000, "v3": 16_900_000_000}
    fits, refused, limited, _ = facts.steps
    assert (fits.variant, fits.chip, fits.outcome) == ("full", "v5e", "compiles")
    assert (fits.hbm_bytes, fits.lower_bound_seconds) == (46_400_000, 2.55e-5)
    assert fits.largest_batch.text == "16,384+ (~290,000)"
    assert (refused.outcome, refused.hbm_bytes) == ("does_not_fit", None)
    assert limited.largest_batch.text == "16,384"


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"preflight\.json: expected the result of a preflight"):
        read_preflight(str(tmp_path))


def test_file_of_another_form_is_named(tmp_path):
    (tmp_path / "preflight.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match=r"preflight\.json: expected the result of a preflight"):
        read_preflight(str(tmp_path))
