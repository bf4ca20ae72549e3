import pytest

from components.trainer.preflight.chips import CHIPS


@pytest.mark.parametrize("chip", CHIPS.values(), ids=lambda chip: chip.name)
def test_program_has_no_more_memory_than_its_part_of_a_chip(chip):
    # Of a whole chip, in GiB, as Google's pages name it; v5p's 95 GB are 96 GiB.
    whole = {"v2": 16, "v3": 32, "v4": 32, "v5e": 16, "v5p": 96}[chip.name]
    share = whole * 2**30 / chip.devices_per_chip
    assert 0.9 * share < chip.hbm_bytes < share


def test_peaks_are_those_of_one_device():
    assert CHIPS["v3"].peak_flops == 70e12
    assert CHIPS["v5e"].peak_flops == 197e12


def test_every_chip_names_its_source():
    assert all("[" in chip.source for chip in CHIPS.values())
