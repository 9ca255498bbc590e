"""Promises of observability/histograms.py: durations in cumulative buckets, in a fixed number of series."""

import fakeredis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from domain.call_kinds import CallKind, kind_of
from domain.runs import Phase
from tests.tables import table
from workers.observability.counters import KEY, Counters, Family, totals
from workers.observability.histograms import CALLS, HISTOGRAMS, STEPS, WEBHOOKS, Durations, Histogram, durations


def counted(redis: fakeredis.FakeRedis, histogram: Histogram) -> dict[str, Durations]:
    return {each.value: each for each in durations(redis, KEY, histogram)}


def test_a_duration_is_in_its_bucket_and_all_larger_ones() -> None:
    redis = fakeredis.FakeRedis()
    counters = Counters(redis)
    counters.duration(STEPS, Phase.CONTACTS, 0.5)
    counters.duration(STEPS, Phase.CONTACTS, 0.6)
    counters.flush()
    found = counted(redis, STEPS)["contacts"]
    assert dict(found.buckets) == {
        "0.1": 0, "0.25": 0, "0.5": 1, "1": 2, "2.5": 2, "5": 2, "10": 2, "20": 2, "40": 2, "80": 2, "+Inf": 2,
    }  # fmt: skip
    assert found.seconds == 1.1


@given(st.lists(st.floats(0, 1000), max_size=20))
def test_no_duration_is_lost_and_buckets_never_shrink(seconds: list[float]) -> None:
    redis = fakeredis.FakeRedis()
    counters = Counters(redis)
    for each in seconds:
        counters.duration(CALLS, CallKind.CONTACT, each)
    counters.flush()
    found = counted(redis, CALLS)["contact"]
    counts = [count for _, count in found.buckets]
    assert counts == sorted(counts)
    assert counts[-1] == len(seconds)
    assert all(count == sum(each <= float(bound) for each in seconds) for bound, count in found.buckets), (
        "an upper bound belongs to its bucket"
    )
    assert found.seconds == pytest.approx(sum(seconds), abs=0.001 * len(seconds) + 1e-9)


@pytest.mark.parametrize("histogram", HISTOGRAMS, ids=lambda each: each.name)
def test_every_series_is_reported_as_0_before_the_first_duration(histogram: Histogram) -> None:
    found = durations(fakeredis.FakeRedis(), KEY, histogram)
    assert [each.value for each in found] == list(histogram.values)
    assert {count for each in found for _, count in each.buckets} == {0}


def test_durations_do_not_disturb_the_counters() -> None:
    redis = fakeredis.FakeRedis()
    counters = Counters(redis)
    counters.duration(STEPS, Phase.CONTACTS, 1)
    counters.api_call(200)
    assert {
        (family, labels): total for family in Family for labels, total in totals(redis)[family].items() if total
    } == {(Family.API_CALLS, ("200",)): 1}
    assert counted(redis, STEPS)["contacts"].seconds == 1, "written together with the call"


def test_webhooks_are_counted_without_a_call_to_redis() -> None:
    server = fakeredis.FakeServer()
    redis = fakeredis.FakeRedis(server=server)
    server.connected = False
    counters = Counters(redis)
    with capture_logs() as logged:
        counters.webhook(202, 0.004)
        counters.webhook(418, 0.2)
    assert logged == []
    server.connected = True
    counters.flush()
    assert totals(redis)[Family.WEBHOOK_REQUESTS][("202",)] == totals(redis)[Family.WEBHOOK_REQUESTS][("other",)] == 1
    assert counted(redis, WEBHOOKS)["202"].seconds == 0.004


@table(
    ("path", "kind"),
    [
        ("/contacts", CallKind.CONTACTS),
        ("/contacts/460000000026049", CallKind.CONTACT),
        ("/contacts/contactpersons", CallKind.PERSONS),
        ("/invoices", CallKind.INVOICES),
        ("/invoices/460000000026049", CallKind.INVOICE),
        ("/organizations", CallKind.ORGANIZATIONS),
        # A further entity.
        ("/creditnotes/460000000026049", CallKind.OTHER),
        # Not a record.
        ("/invoices/1/payments", CallKind.OTHER),
    ],
)
def test_each_path_has_a_kind_without_ids(path: str, kind: CallKind) -> None:
    assert kind_of(path) is kind
