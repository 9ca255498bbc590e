"""Whatever happens upstream while it is read: once it rests, the next full run leaves the cache equal to it (FR-2)."""

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

pytestmark = pytest.mark.drill


@pytest.fixture
def zoho(restless: RestlessZoho) -> Iterator[SandboxControl]:
    with SandboxControl(restless.url) as control:
        yield control


#: A run makes some fifteen calls, and something is due after most of them.
dues = st.builds(Due, st.integers(0, 3), events)
a_disturbed_run = st.tuples(st.sampled_from(list(Mode)), st.lists(dues, min_size=4, max_size=20))


@pytest.mark.timeout(900)  # Where an example fails, hypothesis looks for a smaller one for some minutes.
@settings(max_examples=40, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(disturbed=st.lists(a_disturbed_run, min_size=1, max_size=3))
def test_a_full_run_over_an_upstream_at_rest_makes_the_cache_equal_to_it(
    resources: Resources,
    restless: RestlessZoho,
    zoho: SandboxControl,
    database: psycopg.Connection,
    disturbed: Sequence[tuple[Mode, Sequence[Due]]],
) -> None:
    restless.begin_anew()
    bench = Bench.connected(resources, zoho, user_id=uuid.uuid4())
    for mode, due in disturbed:
        restless.expect(due)
        bench.sync(mode)
    restless.rest()
    a_week_passes(bench)

    result = bench.sync(Mode.FULL, allow_deletions=True)
    assert result["status"] == "succeeded", result["reason"]
    assert differences(zoho.snapshot(), database, bench.connection_id) == []

    # What changed in the very second in which it was read is asked about once more, and so tells its details.
    assert bench.sync()["status"] == "succeeded"
    bench.sync()
    again = bench.sync()
    assert again["status"] == "succeeded"
    for kind in ("customers", "invoices"):
        assert (again[kind]["new"], again[kind]["updated"]) == (0, 0)
    assert differences(zoho.snapshot(), database, bench.connection_id) == []


def a_week_passes(bench: Bench) -> None:
    """That the list of persons was refused is believed for a week: until then nobody asks for it again."""
    bench.rows(
        "UPDATE zoho_connections SET bulk_persons_refused_at = bulk_persons_refused_at - interval '8 days' "
        "WHERE id = %(id)s RETURNING id",
        id=bench.connection_id,
    )
