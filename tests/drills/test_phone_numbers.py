"""A hundred phone numbers of each region: undamaged in every spelling, and with every kind of damage."""

import pytest

from tests.properties.phone_damages import DAMAGES
from tests.properties.phone_samples import REGIONS, numbers_like_the_examples
from tests.properties.test_damaged_phones import wrong_readings
from tests.properties.test_undamaged_phones import readings

pytestmark = [pytest.mark.drill, pytest.mark.timeout(3600)]

NUMBERS_A_REGION = 100
DAMAGED_NUMBERS_A_REGION = 25

#: The share of a region's undamaged texts that must be read unchanged and be callable.
SHARE = 0.999


def test_undamaged_numbers_are_read_unchanged() -> None:
    read, refused = readings(NUMBERS_A_REGION)
    full = [region for region in REGIONS if len(numbers_like_the_examples(region, NUMBERS_A_REGION, seed=5)) >= 100]
    assert len(full) > 200
    assert {region: refused[region] for region in full if 1 - refused[region] / read[region] < SHARE} == {}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_numbers_never_become_other_numbers(kind: str) -> None:
    assert wrong_readings(kind, DAMAGED_NUMBERS_A_REGION) == []
