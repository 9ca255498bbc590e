"""Each fault of the simulator strikes its matching calls the given number of times, and no other call."""

from typing import Any

import orjson
import pytest

from sandbox.zoho.commands import ContactFields, CreateContact, CreateInvoice, DeleteContact, EditContact, PersonFields
from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest, HostileRow
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.stats import CallKind

ALL = {"filter_by": "Status.All", "per_page": 200}


@pytest.fixture
def zoho() -> InProcessZoho:
    """Thirty contacts, each a second apart, all with one person."""
    zoho = in_process_zoho()
    for number in range(30):
        zoho.clock.advance(1)
        fields = ContactFields(contact_name=f"Customer {29 - number:02d}")
        zoho.mutate(CreateContact(fields=fields, persons=(PersonFields(first_name="Ada"),)))
    return zoho


def outcome(zoho: InProcessZoho, path: str = "/contacts", **query: object) -> tuple[int, int]:
    answer = zoho.response(path, **query)
    return answer.status, orjson.loads(answer.body)["code"]


def contact_ids(zoho: InProcessZoho, **query: object) -> list[str]:
    return [row["contact_id"] for row in zoho.get("/contacts", **ALL, **query)["contacts"]]


def test_ordered_response_is_repeated_the_given_number_of_times(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, times=2, status=500, code=1000)
    assert [outcome(zoho) for _ in range(3)] == [(500, 1000), (500, 1000), (200, 0)]


def test_ordered_response_may_have_a_retry_after_header(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, status=429, code=44, retry_after=7)
    assert zoho.response("/contacts").headers["Retry-After"] == "7"


def test_a_refusal_may_come_with_http_200(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, status=200, code=57)
    assert outcome(zoho) == (200, 57)


@pytest.mark.parametrize(
    ("request_fields", "struck"),
    [
        ({"kind": CallKind.INVOICES}, ["/invoices"]),
        ({"path": "/contacts/*"}, ["/contacts/1", "/contacts/contactpersons"]),
        ({"organization_id": "60000000001"}, []),
        ({}, ["/contacts", "/contacts/1", "/contacts/contactpersons", "/invoices"]),
    ],
)
def test_fault_strikes_only_matching_calls(
    zoho: InProcessZoho, request_fields: dict[str, str], struck: list[str]
) -> None:
    params = FaultParams(status=500, code=1000)
    wanted = {"name": FaultName.ANSWER, "params": params, **request_fields}
    zoho.simulator.switch_on(FaultRequest.model_validate(wanted))
    paths = ["/contacts", "/contacts/1", "/contacts/contactpersons", "/invoices"]
    assert [path for path in paths if outcome(zoho, path) == (500, 1000)] == struck


def test_a_fault_ends_when_it_is_cleared(zoho: InProcessZoho) -> None:
    fault_id = zoho.fault(FaultName.ANSWER, status=500, code=1000)
    kept = zoho.fault(FaultName.LATENCY, seconds=1)
    outcome(zoho)
    assert [(each["fault_id"], each["strikes"]) for each in zoho.simulator.faults.listed()] == [
        (fault_id, 1),
        (kept, 1),
    ]
    zoho.simulator.faults.clear(fault_id)
    assert outcome(zoho) == (200, 0)
    zoho.simulator.faults.clear()
    assert zoho.simulator.faults.listed() == []


def test_latency_fault_adds_to_the_configured_latency(zoho: InProcessZoho) -> None:
    zoho.simulator.latency_seconds = 0.5
    zoho.fault(FaultName.LATENCY, times=1, seconds=2)
    visits = [zoho.simulator.arrive("/contacts", {}, "") for _ in range(2)]
    assert [visit.delay_seconds for visit in visits] == [2.5, 0.5]


def test_hangs_and_resets_are_decided_on_arrival(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.HANG, times=1, seconds=9)
    zoho.fault(FaultName.RESET, times=1, where="middle")
    visit = zoho.simulator.arrive("/contacts", {}, "")
    assert (visit.hang_seconds, visit.reset) == (9, "middle")
    after = zoho.simulator.arrive("/contacts", {}, "")
    assert (after.hang_seconds, after.reset) == (None, None)


@pytest.mark.parametrize(
    ("params", "status", "begins"),
    [
        ({"body": "html", "status": 502}, 502, b"<html>"),
        ({"body": "html"}, 200, b"<html>"),
        ({"body": "text", "status": 503}, 503, b"upstream"),
        ({"body": "truncated"}, 200, b'{"code":0'),
    ],
)
def test_garbage_is_not_json(zoho: InProcessZoho, params: dict[str, Any], status: int, begins: bytes) -> None:
    zoho.fault(FaultName.GARBAGE, **params)
    answer = zoho.response("/contacts")
    assert answer.status == status
    assert answer.body.startswith(begins)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(answer.body)


def test_an_ignored_filter_returns_everything(zoho: InProcessZoho) -> None:
    future = "2099-01-01T00:00:00+0000"
    assert contact_ids(zoho, last_modified_time=future) == []
    zoho.fault(FaultName.MODIFIED_FILTER_IGNORED)
    assert len(contact_ids(zoho, last_modified_time=future)) == 30


def test_list_can_be_empty_by_a_fault(zoho: InProcessZoho) -> None:
    contact_id = contact_ids(zoho)[0]
    zoho.fault(FaultName.LIST_EMPTY)
    assert contact_ids(zoho) == []
    assert outcome(zoho, f"/contacts/{contact_id}") == (200, 0)


def test_an_ignored_sort_is_by_name(zoho: InProcessZoho) -> None:
    by_name = contact_ids(zoho)
    by_time = contact_ids(zoho, sort_column="last_modified_time")
    assert by_time == by_name[::-1]
    zoho.fault(FaultName.SORT_IGNORED)
    assert contact_ids(zoho, sort_column="last_modified_time") == by_name
    assert contact_ids(zoho, sort_column="last_modified_time", sort_order="D") == by_name


@pytest.mark.parametrize(("status", "code"), [(404, 5), (401, 57)])
def test_the_bulk_list_can_be_refused(zoho: InProcessZoho, status: int, code: int) -> None:
    zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=status)
    assert outcome(zoho, "/contacts/contactpersons") == (status, code)
    contact_id = contact_ids(zoho)[0]
    assert outcome(zoho, f"/contacts/{contact_id}") == (200, 0)
    assert outcome(zoho, f"/contacts/{contact_id}/contactpersons") == (200, 0)


def test_the_bulk_list_can_omit_the_persons_of_inactive_contacts(zoho: InProcessZoho) -> None:
    contact_id = contact_ids(zoho)[0]
    zoho.mutate(EditContact(contact_id=int(contact_id), fields=ContactFields(is_active=False)))
    zoho.fault(FaultName.INACTIVE_PERSONS_OMITTED)
    rows = zoho.get("/contacts/contactpersons", per_page=200)["contact_persons"]
    assert {row["contact_id"] for row in rows} == set(contact_ids(zoho)) - {contact_id}


def test_person_is_missing_once(zoho: InProcessZoho) -> None:
    victim = next(iter(zoho.books.persons.truth))
    zoho.fault(FaultName.PERSON_MISSING, record_id=victim)

    def swept() -> set[int]:
        pages = [zoho.get("/contacts/contactpersons", per_page=10, page=page) for page in (3, 1, 2)]
        return {int(row["contact_person_id"]) for page in pages for row in page["contact_persons"]}

    everyone = set(zoho.books.persons.truth)
    assert swept() == everyone - {victim}
    assert swept() == everyone


@pytest.mark.parametrize("kind", ["contact", "invoice"])
def test_details_can_lack_the_reminder_switch_and_the_addresses(zoho: InProcessZoho, kind: str) -> None:
    contact_id = contact_ids(zoho)[0]
    invoice_id = zoho.mutate(CreateInvoice(customer_id=int(contact_id)))[0]["invoice_id"]
    path = {"contact": f"/contacts/{contact_id}", "invoice": f"/invoices/{invoice_id}"}[kind]
    honest = zoho.get(path)[kind]
    zoho.fault(FaultName.DETAIL_FACTS_OMITTED, times=1)
    lacking = {"payment_reminder_enabled", "billing_address", "shipping_address"}
    assert zoho.get(path)[kind] == {key: value for key, value in honest.items() if key not in lacking}
    assert zoho.get(path)[kind] == honest
    assert lacking <= set(honest)


def test_duplicates_cross_page_boundaries(zoho: InProcessZoho) -> None:
    ids = contact_ids(zoho)
    zoho.fault(FaultName.DUPLICATE_ROWS, every=10)
    pages = [zoho.get("/contacts", per_page=10, page=page)["contacts"] for page in (1, 2, 3, 4)]
    listed = [row["contact_id"] for page in pages for row in page]
    assert [len(page) for page in pages] == [10, 10, 10, 3]
    assert len(listed) == 33
    assert list(dict.fromkeys(listed)) == ids
    assert pages[1][0] == pages[0][-1]


def test_a_late_change_is_in_the_detail_at_once_and_listed_later(zoho: InProcessZoho) -> None:
    contact_id = contact_ids(zoho)[0]
    stamp = int(zoho.clock.wall())
    zoho.fault(FaultName.LATE_VISIBILITY, seconds=30)
    zoho.mutate(EditContact(contact_id=int(contact_id), fields=ContactFields(contact_name="AAA")))
    assert zoho.get(f"/contacts/{contact_id}")["contact"]["contact_name"] == "AAA"
    assert zoho.get("/contacts", **ALL)["contacts"][0]["contact_name"] == "Customer 00"
    zoho.clock.advance(30)
    row = zoho.get("/contacts", **ALL)["contacts"][0]
    assert row["contact_name"] == "AAA"
    assert zoho.books.contacts.truth[int(contact_id)].modified_at == stamp


def test_late_creations_and_deletions_are_listed_late_too(zoho: InProcessZoho) -> None:
    before = contact_ids(zoho)
    zoho.fault(FaultName.LATE_VISIBILITY, seconds=5)
    made = zoho.mutate(CreateContact(fields=ContactFields(contact_name="Z")), DeleteContact(contact_id=int(before[0])))
    assert contact_ids(zoho) == before
    assert outcome(zoho, f"/contacts/{before[0]}") == (404, 1002)
    zoho.clock.advance(5)
    assert contact_ids(zoho) == [*before[1:], made[0]["contact_id"]]


def test_prompt_change_is_not_overwritten_by_an_older_late_change(zoho: InProcessZoho) -> None:
    contact_id = int(contact_ids(zoho)[0])
    fault_id = zoho.fault(FaultName.LATE_VISIBILITY, seconds=5)
    zoho.mutate(EditContact(contact_id=contact_id, fields=ContactFields(website="late")))
    zoho.simulator.faults.clear(fault_id)
    zoho.mutate(EditContact(contact_id=contact_id, fields=ContactFields(website="prompt")))
    zoho.clock.advance(5)
    assert zoho.get("/contacts", **ALL)["contacts"][0]["website"] == "prompt"


@pytest.mark.parametrize("path", ["/contacts", "/contacts/contactpersons"])
@pytest.mark.parametrize("kind", sorted(set(HostileRow) - {HostileRow.HUGE_NAME, HostileRow.LONE_SURROGATE}))
def test_only_one_row_is_hostile(zoho: InProcessZoho, path: str, kind: HostileRow) -> None:
    key = path.rsplit("/", 1)[-1].replace("contactpersons", "contact_persons")
    honest = zoho.get(path, per_page=5)[key]
    zoho.fault(FaultName.HOSTILE_ROW, times=1, row=kind)
    rows = zoho.get(path, per_page=5)[key]
    assert rows[0] != honest[0]
    assert rows[1:] == honest[1:]
    assert zoho.get(path, per_page=5)[key] == honest


def test_a_huge_name_is_five_megabytes(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.HOSTILE_ROW, row=HostileRow.HUGE_NAME)
    assert len(zoho.get("/contacts")["contacts"][0]["contact_name"]) == 5 * 1024 * 1024


def test_lone_surrogate_and_nul_are_sent_as_escapes(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.HOSTILE_ROW, times=1, row=HostileRow.LONE_SURROGATE)
    assert rb"\ud800" in zoho.response("/contacts").body
    zoho.fault(FaultName.HOSTILE_ROW, times=1, row=HostileRow.NUL_IN_NAME)
    assert rb"\u0000" in zoho.response("/contacts").body


def test_chosen_row_is_hostile_in_every_list(zoho: InProcessZoho) -> None:
    victim = contact_ids(zoho)[15]
    zoho.fault(FaultName.HOSTILE_ROW, row=HostileRow.BROKEN_TIME, record_id=int(victim))
    rows = zoho.get("/contacts", **ALL)["contacts"]
    broken = [row["contact_id"] for row in rows if row["last_modified_time"] == "yesterday, around noon"]
    assert broken == [victim]


def test_data_changes_after_the_nth_request_of_a_walk(zoho: InProcessZoho) -> None:
    first, *_, last = contact_ids(zoho)
    mutation = DeleteContact(contact_id=int(first))
    params = FaultParams(requests=2, mutations=(mutation,))
    request = FaultRequest(name=FaultName.MUTATION_AFTER, params=params, kind=CallKind.CONTACTS)
    zoho.simulator.switch_on(request)
    zoho.get(f"/contacts/{last}")  # A call of another kind does not count.
    assert first in contact_ids(zoho)
    assert first in contact_ids(zoho), "the change comes after the second response"
    assert first not in contact_ids(zoho)
    assert zoho.simulator.faults.listed() == []


def test_a_shifted_clock_shows_in_the_date_header_and_in_stamps(zoho: InProcessZoho) -> None:
    now = int(zoho.clock.wall())
    fault_id = zoho.fault(FaultName.CLOCK_SHIFTED, seconds=-3600)
    contact_id = int(str(zoho.mutate(CreateContact())[0]["contact_id"]))
    assert zoho.books.contacts.truth[contact_id].modified_at == now - 3600
    behind = zoho.simulator.http_date()
    zoho.simulator.faults.clear(fault_id)
    assert behind != zoho.simulator.http_date()
    assert zoho.simulator.http_date().endswith(" GMT")


def test_faulty_response_counts_against_the_limits(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.ANSWER, status=500, code=1000)
    zoho.simulator.reset_stats()
    outcome(zoho)
    assert zoho.simulator.stats.calls() == {zoho.organization_id: {"contacts": {"500": 1}}}
