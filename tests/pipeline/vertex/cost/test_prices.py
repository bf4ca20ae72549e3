"""The table of prices, against figures that Google lists, and what it refuses."""

import pytest

from components.errors import InputError
from pipeline.vertex.config import MachineConfig
from pipeline.vertex.cost.prices import load_prices

PRICES = load_prices()


def test_prices_agree_with_what_vertex_lists():
    # https://cloud.google.com/vertex-ai/pricing, us-central1: n1-standard-4 and, beside it, a T4.
    assert PRICES.machine_usd_per_hour("n1-standard-4", "us-central1") == pytest.approx(
        0.21849885, rel=1e-5
    )
    fee = 1 + PRICES.vertex.management_fee
    assert PRICES.accelerators["NVIDIA_TESLA_T4"]["us-central1"] * fee == pytest.approx(0.4025)


def test_sizes_of_a_family_cost_in_proportion():
    small = PRICES.machine_usd_per_hour("g2-standard-4", "europe-west4")
    assert PRICES.machine_usd_per_hour("g2-standard-96", "europe-west4") == pytest.approx(
        24 * small
    )


def test_a_tpu_v3_is_priced_by_its_eight_cores():
    machine = MachineConfig(
        machine_type="cloud-tpu", accelerator_type="TPU_V3", accelerator_count=8
    )
    disk = PRICES.vertex.disk_usd_per_gb_hour * 100
    assert PRICES.job_usd_per_hour(machine, "us-central1") == pytest.approx((8.0 + disk) * 1.15)


def test_a_larger_disk_costs_more():
    small, large = MachineConfig(boot_disk_gb=100), MachineConfig(boot_disk_gb=300)
    more = PRICES.job_usd_per_hour(large, "us-east1") - PRICES.job_usd_per_hour(small, "us-east1")
    assert more == pytest.approx(200 * 34 / 200 / 730 * 1.15, rel=1e-5)


@pytest.mark.parametrize("machine_type", ["n2-standard-8", "quantum-1"])
def test_an_unknown_machine_is_refused_with_those_that_are_known(machine_type):
    with pytest.raises(InputError, match=rf"{machine_type} has no price; known: e2-standard, n1-"):
        PRICES.machine_usd_per_hour(machine_type, "us-central1")


def test_an_unknown_accelerator_is_refused_and_the_message_says_how_to_add_it():
    machine = MachineConfig(accelerator_type="NVIDIA_TESLA_P4", accelerator_count=1)
    with pytest.raises(InputError, match=r"NVIDIA_TESLA_P4 has no price in us-central1.*add the"):
        PRICES.job_usd_per_hour(machine, "us-central1")


def test_an_accelerator_without_a_price_in_a_region_is_refused_with_the_regions():
    machine = MachineConfig(
        machine_type="cloud-tpu", accelerator_type="TPU_V2", accelerator_count=8
    )
    with pytest.raises(InputError, match=r"cloud-tpu has no price in us-west1; known: us-central1"):
        PRICES.job_usd_per_hour(machine, "us-west1")
