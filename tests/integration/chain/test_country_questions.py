"""Scheduled runs read countries until every customer with a callable number in their own country is reachable."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from db import questions
from db.questions import UncertainCountries
from domain.countries import country_code
from domain.phones.judging import judge
from domain.reminders.policy import ReminderPolicy
from sandbox.zoho.commands import ContactFields, CreateContact, PersonFields
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench
from tests.integration.chain.conftest import LIMIT
from workers.sync.work import Work
from workers.zoho.errors import Refused

pytestmark = pytest.mark.slow

A_RUN = ReminderPolicy().detail_calls_per_run


def uncertain(bench: Bench) -> UncertainCountries:
    with bench.resources.engine.connect() as db:
        return questions.uncertain_countries(db, bench.connection_id)


def calls_of_a_run(bench: Bench) -> int:
    """The detail calls of one scheduled run."""
    bench.zoho.reset_stats()
    assert bench.sync(is_scheduled=True)["status"] == "succeeded"
    return bench.zoho.stats().count(CallKind.CONTACT)


class TestCountedCustomers:
    """An American organisation without other customers, so each detail call concerns one of these."""

    @pytest.fixture
    def zoho(self, simulator: SandboxControl) -> SandboxControl:
        simulator.restart(contacts=0, invoices=0, requests_per_minute=LIMIT)
        return simulator

    @pytest.fixture
    def foreign(self, bench: Bench) -> dict[str, str]:
        """Customers with an invoice that is due in a month, with their right numbers. Only details have their
        country."""
        right = {}
        for each in range(25):
            # Rejected in the United States.
            indian = self._customer(bench.zoho, "India", f"98765 4{each:04}")
            right[indian] = f"+9198765{40000 + each}"
        for each in range(20):
            # Another person's number in the United States.
            brazilian = self._customer(bench.zoho, "Brazil", f"(81) 3210-{each:04}")
            right[brazilian] = f"+55813210{each:04}"
        return right

    def _customer(self, zoho: SandboxControl, country: str, mobile: str) -> str:
        # Created before the first run, so no later run reads the customer as changed.
        made = CreateContact(
            at=datetime.now(UTC) - timedelta(days=1),
            fields=ContactFields(country=country),
            persons=(PersonFields(first_name="Ada", mobile=mobile),),
        )
        (contact,) = zoho.mutate(made)
        zoho.create_invoice(contact["contact_id"])
        return str(contact["contact_id"])

    def test_all_numbers_are_right_after_a_run_for_every_twenty_customers(
        self, bench: Bench, foreign: dict[str, str]
    ) -> None:
        calls = [calls_of_a_run(bench) for _ in range(ceil(len(foreign) / A_RUN))]
        assert calls == [20, 20, 5]
        known = bench.customers()
        assert {key: known[key]["primary_phone"] for key in foreign} == foreign
        assert {known[key]["phone_problem"] for key in foreign} == {None}
        assert calls_of_a_run(bench) == 0

    @pytest.mark.usefixtures("foreign")
    def test_unreachable_customers_come_first(self, bench: Bench) -> None:
        calls_of_a_run(bench)
        calls_of_a_run(bench)
        refused = [row for row in bench.customers().values() if row["phone_problem"] is not None]
        assert refused == []
        assert uncertain(bench) == UncertainCountries(customers=5, to_ask=5)

    def test_plans_are_updated_in_the_same_run(self, bench: Bench, foreign: dict[str, str]) -> None:
        calls_of_a_run(bench)
        planned = bench.rows(
            """
            SELECT DISTINCT c.zoho_customer_id, r.phone
            FROM reminders r JOIN booksync.customers_cache c ON c.id = r.customer_id
             WHERE r.status = 'scheduled' AND c.country_code IS NOT NULL
            """
        )
        assert len(planned) == A_RUN
        assert all(row["phone"] == foreign[row["zoho_customer_id"]] for row in planned)

    def test_an_address_without_a_country_is_read_once(self, bench: Bench) -> None:
        contact_id = self._customer(bench.zoho, "", "98765 43210")
        assert [calls_of_a_run(bench) for _ in range(3)] == [1, 0, 0]
        assert uncertain(bench) == UncertainCountries(customers=1, to_ask=0)
        bench.zoho.edit_contact(contact_id, country="India")
        bench.sync(is_scheduled=True)
        assert bench.customers()[contact_id]["primary_phone"] == "+919876543210"

    @pytest.mark.parametrize(
        ("spent", "calls"),
        [
            # Other integrations keep a tenth of the day's calls, the next full run its own, and a tenth is spare.
            (100, 20),
            (790, 0),
        ],
    )
    @pytest.mark.usefixtures("foreign")
    def test_no_call_is_made_when_the_day_is_nearly_used(self, bench: Bench, spent: int, calls: int) -> None:
        bench.zoho.set_limits(requests_per_day=1000, spend_day=spent)
        assert calls_of_a_run(bench) == calls

    def test_a_customer_that_zoho_refuses_permanently_does_not_block_the_others(
        self, bench: Bench, foreign: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask, refused = Work.ask_contact, set(list(foreign)[:A_RUN])

        def refusing(work: Work, contact_id: str) -> Any:
            if contact_id in refused:
                raise Refused("GET /contacts/{id}", status=400)
            return ask(work, contact_id)

        monkeypatch.setattr(Work, "ask_contact", refusing)
        for _ in range(ceil(len(foreign) / A_RUN)):
            bench.sync(is_scheduled=True)
        known = bench.customers()
        others = foreign.keys() - refused
        assert {key: known[key]["primary_phone"] for key in others} == {key: foreign[key] for key in others}

    def test_a_run_started_by_a_person_makes_no_such_calls(self, bench: Bench, foreign: dict[str, str]) -> None:
        bench.zoho.reset_stats()
        bench.sync()
        assert bench.zoho.stats().count(CallKind.CONTACT) == 0
        assert uncertain(bench) == UncertainCountries(customers=len(foreign), to_ask=len(foreign))


class TestDirtyBooks:
    """The simulator's generated books: 18 % foreign customers, texts without a number, addresses without a country."""

    @pytest.fixture
    def zoho(self, simulator: SandboxControl) -> SandboxControl:
        simulator.restart(contacts=700, invoices=1400, requests_per_minute=LIMIT)
        return simulator

    def test_all_customers_reachable_by_their_own_country_are_reachable_after_a_run_for_every_twenty(
        self, bench: Bench
    ) -> None:
        bench.sync()
        own = {str(each["contact_id"]): _country(each) for each in bench.zoho.snapshot()["contacts"]}
        lost = _lost(bench, own)
        assert len(lost) > A_RUN, "the books have enough of these customers"
        refused = bench.rows(_REFUSED)
        for _ in range(ceil(len(refused) / A_RUN)):
            assert calls_of_a_run(bench) <= A_RUN
        assert _lost(bench, own) == {}
        known = bench.customers()
        assert {key: known[key]["primary_phone"] for key in lost} == lost


class TestFewDirtyBooks:
    """As above, but few enough that every question can be asked."""

    @pytest.fixture
    def zoho(self, simulator: SandboxControl) -> SandboxControl:
        simulator.restart(contacts=60, invoices=120, requests_per_minute=LIMIT)
        return simulator

    def test_calls_end_with_the_last_question(self, bench: Bench) -> None:
        bench.sync()
        while uncertain(bench).to_ask:
            assert calls_of_a_run(bench) > 0
        own = {str(each["contact_id"]): _country(each) for each in bench.zoho.snapshot()["contacts"]}
        assumed = bench.rows(_ASSUMED)
        assert assumed, "some addresses name no country"
        assert {own[row["zoho_customer_id"]] for row in assumed} == {None}


def _country(contact: dict[str, Any]) -> str | None:
    address = contact["billing_address"]
    return country_code(address["country_code"], address["country"])


_OWING = """
    SELECT c.* FROM booksync.customers_cache c
     WHERE c.status = 'active' AND EXISTS (SELECT FROM invoices_cache i WHERE i.customer_id = c.id AND i.balance > 0
                                              AND i.status IN ('sent', 'overdue', 'partially_paid'))
"""
_REFUSED = f"{_OWING} AND phone_problem IS NOT NULL AND phone_verdict ->> 'assumed_country' IS NOT NULL"
_ASSUMED = f"{_OWING} AND phone_verdict ->> 'assumed_country' IS NOT NULL"


def _lost(bench: Bench, own: dict[str, str | None]) -> dict[str, str]:
    """Unreachable customers with a debt, with the number that their own country makes of their text."""
    found = {}
    for row in bench.rows(f"{_OWING} AND phone_problem IS NOT NULL"):
        country = own[row["zoho_customer_id"]]
        number = judge(row["phone_verdict"]["raw"], country).e164 if country else None
        if number is not None:
            found[row["zoho_customer_id"]] = number
    return found
