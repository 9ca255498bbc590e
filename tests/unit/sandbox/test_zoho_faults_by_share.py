"""Faults that strike a share of the records: the same records in every call, and no others."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest

from sandbox.zoho.commands import CreateContact, CreateInvoice, Touch
from sandbox.zoho.fault_requests import Bomb, FaultName, FaultParams, FaultRequest, HostileRow
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.shares import is_in_share
from sandbox.zoho.stats import CallKind

ALL = {"filter_by": "Status.All", "per_page": 200}
SHARE = 0.3


@pytest.fixture
def zoho() -> InProcessZoho:
    """A hundred contacts with an invoice each."""
    zoho = in_process_zoho()
    for made in zoho.mutate(*[CreateContact()] * 100):
        zoho.mutate(CreateInvoice(customer_id=int(str(made["contact_id"]))))
    return zoho


def contact_ids(zoho: InProcessZoho) -> list[str]:
    return [str(contact_id) for contact_id in zoho.books.contacts.truth]


def in_share(ids: list[str], salt: str = "") -> set[str]:
    return {each for each in ids if is_in_share(each, SHARE, salt)}


def listed(zoho: InProcessZoho, path: str = "/contacts") -> list[dict[str, Any]]:
    document = json.loads(zoho.response(path, **ALL).body)
    return list(document[path.strip("/")])


def struck_details(zoho: InProcessZoho) -> set[str]:
    return {each for each in contact_ids(zoho) if zoho.response(f"/contacts/{each}").status == 500}


@pytest.mark.parametrize("share", [0.01, 0.3, 1])
def test_a_share_is_about_that_share_of_the_records(share: float) -> None:
    chosen = sum(is_in_share(460000000000000000 + number * 2, share) for number in range(20_000))
    assert chosen == pytest.approx(20_000 * share, rel=0.15)


def test_another_salt_draws_other_records(zoho: InProcessZoho) -> None:
    ids = contact_ids(zoho)
    assert in_share(ids) != in_share(ids, "other")


def test_only_details_of_the_share_fail_and_they_always_fail(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, share=SHARE, status=500, code=1000)
    chosen = in_share(contact_ids(zoho))
    assert 10 < len(chosen) < 50
    assert [struck_details(zoho) for _ in range(3)] == [chosen] * 3
    assert zoho.response("/contacts").status == zoho.response("/contacts/contactpersons").status == 200


def test_two_shares_with_their_own_salts_fail_in_two_ways(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, share=SHARE, salt="a", status=500, code=1000)
    zoho.fault(FaultName.ANSWER, share=SHARE, salt="b", status=422, code=99999)
    ids = contact_ids(zoho)
    statuses = {each: zoho.response(f"/contacts/{each}").status for each in ids}
    first, second = in_share(ids, "a"), in_share(ids, "b")
    assert statuses == {each: 500 if each in first else 422 if each in second else 200 for each in ids}


_FOR_EVER = [
    pytest.param(FaultName.ANSWER, {"status": 500, "code": 1000}, id="server error"),
    pytest.param(FaultName.ANSWER, {"status": 422, "code": 99999}, id="refused with an unknown code"),
    pytest.param(FaultName.GARBAGE, {"body": "truncated"}, id="unusable body"),
    pytest.param(FaultName.GARBAGE, {"body": "html", "status": 502}, id="a gateway's page"),
    pytest.param(FaultName.BOMB, {"bomb": Bomb.PLAIN}, id="too large"),
    pytest.param(FaultName.HOSTILE_DETAIL, {"row": HostileRow.WRONG_TYPES}, id="unreadable record"),
]


@pytest.mark.parametrize(("name", "params"), _FOR_EVER)
@pytest.mark.parametrize("kind", [CallKind.CONTACT, CallKind.INVOICE])
def test_detail_of_one_record_always_fails(
    zoho: InProcessZoho, name: FaultName, params: dict[str, Any], kind: CallKind
) -> None:
    ids = zoho.books.contacts.truth if kind is CallKind.CONTACT else zoho.books.invoices.truth
    victim, other = (f"/{kind.value}s/{record_id}" for record_id in list(ids)[:2])
    honest, neighbour = zoho.response(victim), zoho.response(other)
    control = zoho.simulator.faults
    control.switch_on(_request(name, victim, params))
    answers = [zoho.response(victim) for _ in range(20)]
    assert all((each.status, each.body) != (honest.status, honest.body) for each in answers)
    assert zoho.response(other).body == neighbour.body
    control.clear()
    assert zoho.response(victim).body == honest.body


def test_the_rows_of_a_share_are_hostile_in_every_list(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.HOSTILE_ROW, share=SHARE, row=HostileRow.BROKEN_TIME)
    for path, key in (("/contacts", "contact_id"), ("/invoices", "invoice_id")):
        rows = listed(zoho, path)
        broken = {row[key] for row in rows if row["last_modified_time"] == "yesterday, around noon"}
        assert broken == in_share([row[key] for row in rows])


def test_strikes_of_a_share_count_rows_and_end_after_times(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.HOSTILE_ROW, share=1, row=HostileRow.NULL_ID, times=7)
    assert [row["contact_id"] for row in listed(zoho)].count(None) == 7
    assert None not in [row["contact_id"] for row in listed(zoho)]


def test_lists_lack_the_rows_of_a_share_and_details_show_them(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ROW_MISSING, share=SHARE)
    ids = contact_ids(zoho)
    assert {row["contact_id"] for row in listed(zoho)} == set(ids) - in_share(ids)
    assert all(zoho.response(f"/contacts/{each}").status == 200 for each in in_share(ids))


def test_mutated_row_differs_in_one_value_and_is_the_same_in_every_call(zoho: InProcessZoho) -> None:
    honest = listed(zoho, "/invoices")
    zoho.fault(FaultName.HOSTILE_ROW, share=1, row=HostileRow.MUTATED)
    rows = listed(zoho, "/invoices")
    for row, before in zip(rows, honest, strict=True):
        assert len([key for key in before if row.get(key, "absent") != before[key]]) <= 1
    assert rows != honest
    assert repr(listed(zoho, "/invoices")) == repr(rows)


def test_another_salt_mutates_the_same_rows_in_other_ways(zoho: InProcessZoho) -> None:
    fault_id = zoho.fault(FaultName.HOSTILE_ROW, share=1, row=HostileRow.MUTATED)
    first = listed(zoho, "/invoices")
    zoho.simulator.faults.clear(fault_id)
    zoho.fault(FaultName.HOSTILE_ROW, share=1, row=HostileRow.MUTATED, salt="again")
    assert repr(listed(zoho, "/invoices")) != repr(first)


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59+0000", "", "1969-12-31T23:59:59-0800"])
def test_stamps_of_a_share_are_literal(zoho: InProcessZoho, stamp: str) -> None:
    honest = {row["contact_id"]: row["last_modified_time"] for row in listed(zoho)}
    zoho.fault(FaultName.STAMPS_LIE, share=SHARE, stamp=stamp)
    chosen = in_share(list(honest))
    expected = {key: stamp if key in chosen else honest[key] for key in honest}
    assert {row["contact_id"]: row["last_modified_time"] for row in listed(zoho)} == expected
    details = {key: zoho.get(f"/contacts/{key}")["contact"]["last_modified_time"] for key in honest}
    assert details == expected


def test_stamps_may_be_a_day_ahead_of_now(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.STAMPS_LIE, seconds=86_400)
    ahead = datetime.fromtimestamp(zoho.clock.wall(), UTC) + timedelta(days=1)
    stamps = {datetime.strptime(row["last_modified_time"], "%Y-%m-%dT%H:%M:%S%z") for row in listed(zoho)}
    assert stamps == {ahead}


def test_stamps_are_wrong_only_in_rows_when_the_fault_names_the_list(zoho: InProcessZoho) -> None:
    contact_id = contact_ids(zoho)[0]
    honest = zoho.get(f"/contacts/{contact_id}")
    zoho.simulator.switch_on(_request(FaultName.STAMPS_LIE, "/contacts", {"stamp": "9999-12-31T23:59:59+0000"}))
    assert {row["last_modified_time"] for row in listed(zoho)} == {"9999-12-31T23:59:59+0000"}
    assert zoho.get(f"/contacts/{contact_id}") == honest


def test_record_touched_in_the_future_is_sorted_by_its_stamp(zoho: InProcessZoho) -> None:
    victim = contact_ids(zoho)[3]
    zoho.mutate(Touch(contact_ids=(int(victim),), at=datetime(9998, 1, 1, tzinfo=UTC)))
    newest = zoho.get("/contacts", **ALL, sort_column="last_modified_time", sort_order="D")["contacts"][0]
    assert newest["contact_id"] == victim
    assert newest["last_modified_time"].startswith("9997-12-31")


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", ""])
def test_date_header_is_literal(zoho: InProcessZoho, date: str) -> None:
    zoho.fault(FaultName.DATE_HEADER_LIES, times=1, date=date)
    assert zoho.response("/contacts").headers["Date"] == date
    assert "Date" not in zoho.response("/contacts").headers, "the true header is added to every response"


def test_refusal_also_has_the_wrong_date_header(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, status=429, code=44)
    zoho.fault(FaultName.DATE_HEADER_LIES, seconds=-7200)
    two_hours_ago = datetime.fromtimestamp(zoho.clock.wall(), UTC) - timedelta(hours=2)
    assert parsedate_to_datetime(zoho.response("/contacts").headers["Date"]) == two_hours_ago


def test_servers_clock_can_go_back_an_hour(zoho: InProcessZoho) -> None:
    honest = format_datetime(datetime.fromtimestamp(zoho.clock.wall(), UTC), usegmt=True)
    contact_id = int(contact_ids(zoho)[0])
    before = zoho.books.contacts.truth[contact_id].modified_at
    fault_id = zoho.fault(FaultName.CLOCK_SHIFTED, seconds=-3600)
    zoho.mutate(Touch(contact_ids=(contact_id,)))
    assert zoho.books.contacts.truth[contact_id].modified_at == before - 3600
    assert parsedate_to_datetime(zoho.simulator.http_date()) == parsedate_to_datetime(honest) - timedelta(hours=1)
    zoho.simulator.faults.clear(fault_id)
    assert zoho.simulator.http_date() == honest


def _request(name: FaultName, path: str, params: dict[str, Any]) -> FaultRequest:
    return FaultRequest(name=name, path=path, params=FaultParams(**params))
