"""Changes upstream during reading: after they end, the next full run makes the cache equal to the upstream (FR-2)."""

import uuid
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from tests.integration.chain.bench import Bench
from tests.integration.chain.happenings import events
from tests.integration.chain.restless import Due, RestlessZoho
from tests.truth import differences
from workers.boot.resources import Resources
from workers.boot.slices import SliceLimits

pytestmark = pytest.mark.drill


@pytest.fixture
def zoho(restless: RestlessZoho) -> Iterator[SandboxControl]:
    with SandboxControl(restless.url) as control:
        yield control


#: A run makes about fifteen calls, and most calls are followed by an event.
dues = st.builds(Due, st.integers(0, 3), events)
a_disturbed_run = st.tuples(
    st.sampled_from(list(Mode)),
    st.builds(SliceLimits, pages=st.sampled_from([1, 2, 30]), slow_response_seconds=st.sampled_from([0.0, 1.0])),
    st.lists(dues, min_size=4, max_size=20),
)


@pytest.mark.timeout(900)  # After a failing example, hypothesis searches for a smaller one for some minutes.
@settings(max_examples=40, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(disturbed=st.lists(a_disturbed_run, min_size=1, max_size=3))
def test_a_full_run_over_an_upstream_at_rest_makes_the_cache_equal_to_it(
    resources: Resources,
    restless: RestlessZoho,
    zoho: SandboxControl,
    database: psycopg.Connection,
    disturbed: Sequence[tuple[Mode, SliceLimits, Sequence[Due]]],
) -> None:
    restless.begin_anew()
    bench = Bench.connected(resources, zoho, user_id=uuid.uuid4())
    for mode, slices, due in disturbed:
        restless.expect(due)
        bench.with_slices(slices).sync(mode)
    restless.rest()
    a_week_passes(bench)

    result = bench.sync(Mode.FULL, allow_deletions=True)
    assert result["status"] == "succeeded", result["reason"]
    assert differences(zoho.snapshot(), database, bench.connection_id) == []

    # A record that changed in the second of its reading is read by one more detail call, which adds its details.
    assert bench.sync()["status"] == "succeeded"
    bench.sync()
    again = bench.sync()
    assert again["status"] == "succeeded"
    for kind in ("customers", "invoices"):
        assert (again[kind]["new"], again[kind]["updated"]) == (0, 0)
    assert differences(zoho.snapshot(), database, bench.connection_id) == []


def a_week_passes(bench: Bench) -> None:
    """Expires the refusal of the list of persons, which is remembered for a week without another request."""
    bench.rows(
        "UPDATE booksync.zoho_connections SET bulk_persons_refused_at = bulk_persons_refused_at - interval '8 days' "
        "WHERE id = %(id)s RETURNING id",
        id=bench.connection_id,
    )
