"""Promises of db/customers.py: it writes rows that differ and are not older, and changes nothing else."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import customers
from db.batches import BATCH
from db.connections import Connection
from domain.contacts import Contact, ContactDetails, ContactKind, ContactStatus
from domain.persons import KnownContact
from domain.phones import PhoneFallback
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, MODIFIED_AT, a_contact, a_person
from tests.integration.db.caching import A_MINUTE, OBSERVED_AT, ORDERS, VERSIONS, cached, counts, the_ids, upsert
from tests.integration.db.look import change


class TestWhatIsWritten:
    def test_a_new_contact_becomes_a_customer_with_all_known_facts(
        self, engine: Engine, connection: Connection
    ) -> None:
        persons = (
            a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True),
            a_person("7002", first_name="Charles", phone=A_LONDON_PHONE),
        )
        details = ContactDetails(country_code="GB", reminders_enabled=True)
        assert counts(upsert(engine, connection, a_contact(persons=persons, details=details))) == (1, 0)

        found = cached(engine)
        assert (found["user_id"], found["connection_id"]) == (connection.user_id, connection.connection_id)
        assert (found["customer_name"], found["company_name"]) == ("Analytical Engines", "Analytical Engines Ltd")
        assert (found["primary_contact_person_id"], found["primary_email"]) == ("7001", "ada@example.com")
        assert (found["primary_phone"], found["phone_problem"]) == (A_BRITISH_MOBILE, None)
        assert [person["contact_person_id"] for person in found["contact_persons"]] == ["7001", "7002"]
        assert (found["status"], found["country_code"], found["time_zone"]) == ("active", "GB", "Europe/London")
        assert (found["zoho_last_modified_at"], found["observed_at"]) == (MODIFIED_AT, OBSERVED_AT)
        assert (found["payment_reminder_enabled"], found["details_observed_at"]) == (True, OBSERVED_AT)
        assert len(found["sync_hash"]) == 64

    def test_a_contact_without_any_facts_becomes_a_customer(self, engine: Engine, connection: Connection) -> None:
        bare = replace(a_contact(name="", company_name="", modified_at=None), primary=None)
        assert counts(upsert(engine, connection, bare)) == (1, 0)
        found = cached(engine)
        assert (found["customer_name"], found["primary_phone"], found["primary_email"]) == ("", None, None)
        assert (found["contact_persons"], found["time_zone"], found["zoho_last_modified_at"]) == ([], None, None)

    def test_new_updated_and_unchanged_are_counted_exactly(self, engine: Engine, connection: Connection) -> None:
        ids = [str(5000 + number) for number in range(10)]
        assert counts(upsert(engine, connection, *(a_contact(each) for each in ids))) == (10, 0)
        changed = [a_contact(each, name="Renamed") for each in ids[:3]]
        same = [a_contact(each) for each in ids[3:]]
        fresh = [a_contact(each) for each in ("6001", "6002")]
        assert counts(upsert(engine, connection, *changed, *same, *fresh)) == (2, 3)
        assert the_ids(engine) == {*ids, "6001", "6002"}

    def test_a_cached_customer_equals_its_list_row(self, engine: Engine, connection: Connection) -> None:
        persons = (a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True), a_person("7002"))
        upsert(engine, connection, a_contact(persons=persons))
        with engine.connect() as db:
            row = customers.stored(db, connection, ["5001", "6001"])["5001"]
        known = KnownContact(frozenset({"7001", "7002"}), bulk_omits_persons=False, row_is_same=True)
        assert row.as_known(a_contact()) == known

    def test_an_unchanged_row_is_not_written(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact())
        before = cached(engine)
        assert counts(upsert(engine, connection, a_contact(), observed_at=OBSERVED_AT + A_MINUTE)) == (0, 0)
        assert cached(engine) == before

    def test_an_updated_row_keeps_its_id_and_its_creation_time(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact())
        before = cached(engine)
        upsert(engine, connection, a_contact(name="Renamed"))
        after = cached(engine)
        assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])
        assert after["updated_at"] > before["updated_at"]
        assert after["local_last_synced_at"] > before["local_last_synced_at"]
        assert after["customer_name"] == "Renamed"

    @pytest.mark.parametrize(
        ("changed", "column", "value"),
        [
            # The hash does not cover these.
            (a_contact(status=ContactStatus.INACTIVE), "status", "inactive"),
            (a_contact(modified_at=MODIFIED_AT + A_MINUTE), "zoho_last_modified_at", MODIFIED_AT + A_MINUTE),
        ],
    )
    def test_a_fact_outside_the_hash_also_makes_a_difference(
        self, engine: Engine, connection: Connection, changed: Contact, column: str, value: object
    ) -> None:
        upsert(engine, connection, a_contact())
        assert counts(upsert(engine, connection, changed)) == (0, 1)
        assert cached(engine)[column] == value

    @pytest.mark.parametrize(
        ("details", "column", "value"),
        [
            (ContactDetails("IN", None), "country_code", "IN"),
            (ContactDetails("US", False), "payment_reminder_enabled", False),
        ],
    )
    def test_first_details_are_written_but_are_not_a_change_in_zoho(
        self, engine: Engine, connection: Connection, details: ContactDetails, column: str, value: object
    ) -> None:
        upsert(engine, connection, a_contact())
        assert counts(upsert(engine, connection, a_contact(details=ContactDetails("US", True)))) == (0, 0)
        assert counts(upsert(engine, connection, a_contact(details=details))) == (0, 1)
        assert cached(engine)[column] == value

    def test_the_order_of_persons_makes_no_difference(self, engine: Engine, connection: Connection) -> None:
        primary, other = a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True), a_person("7002")
        upsert(engine, connection, a_contact(persons=(primary, other)))
        assert counts(upsert(engine, connection, a_contact(persons=(other, primary)))) == (0, 0)

    def test_an_invalid_phone_is_stored_as_given_with_its_problem(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(mobile="call Ada"))
        found = cached(engine)
        assert found["primary_phone"] == "call Ada"
        assert found["phone_problem"] is not None
        assert found["time_zone"] is None

    def test_the_fallback_setting_chooses_the_first_valid_number(self, engine: Engine, connection: Connection) -> None:
        contact = a_contact(primary=a_person("", mobile="call Ada", phone=A_LONDON_PHONE, is_primary=True))
        upsert(engine, connection, contact, fallback=PhoneFallback.VALID)
        assert cached(engine)["primary_phone"] == A_LONDON_PHONE

    def test_vendors_are_skipped(self, engine: Engine, connection: Connection) -> None:
        vendor = a_contact("6001", kind=ContactKind.VENDOR)
        assert counts(upsert(engine, connection, vendor)) == (0, 0)
        assert counts(upsert(engine, connection, vendor, a_contact())) == (1, 0)
        assert the_ids(engine) == {"5001"}

    def test_an_empty_batch_does_nothing(self, engine: Engine, connection: Connection) -> None:
        assert counts(upsert(engine, connection)) == (0, 0)

    def test_a_whole_batch_is_written_at_once(self, engine: Engine, connection: Connection) -> None:
        batch = [a_contact(str(5000 + number)) for number in range(BATCH)]
        assert counts(upsert(engine, connection, *batch)) == (BATCH, 0)

    @pytest.mark.parametrize(
        "name",
        [
            "O'Reilly; DROP TABLE users;--",
            'a "quoted" {array,element} \\ %s :name %(name)s',
            "NULL",
            "Zoë Ünïcödé 株式会社 🏦 \u200f\u202e",
            "line\nfeed\ttab\r\x01",
            "x" * 10_000,
        ],
    )
    def test_odd_texts_are_stored_exactly(self, engine: Engine, connection: Connection, name: str) -> None:
        person = a_person("7001", first_name=name.strip(), email=A_LONDON_PHONE, is_primary=True)
        upsert(engine, connection, a_contact(name=name, company_name=name, persons=(person,)))
        found = cached(engine)
        assert found["customer_name"] == found["company_name"] == name.strip()
        assert found["contact_persons"][0]["first_name"] == name.strip()
        assert counts(upsert(engine, connection, a_contact(name=name, company_name=name, persons=(person,)))) == (0, 0)

    def test_characters_that_postgres_refuses_are_removed_or_replaced(
        self, engine: Engine, connection: Connection
    ) -> None:
        person = a_person("7001", first_name="A\0da", email="a\0da@example.com", mobile="\0", is_primary=True)
        upsert(engine, connection, a_contact(name="Nu\0l", company_name="Half \ud800 pair", persons=(person,)))
        found = cached(engine)
        assert (found["customer_name"], found["company_name"]) == ("Nul", "Half ? pair")
        assert found["contact_persons"][0]["first_name"] == "Ada"
        assert (found["primary_email"], found["primary_phone"]) == ("ada@example.com", None)

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_the_newest_version_counts_if_a_contact_comes_twice(
        self, engine: Engine, connection: Connection, newest_first: bool
    ) -> None:
        older, newer = a_contact(name="Older"), a_contact(name="Newer", modified_at=MODIFIED_AT + A_MINUTE)
        batch = (newer, older) if newest_first else (older, newer)
        assert counts(upsert(engine, connection, *batch)) == (1, 0)
        assert cached(engine)["customer_name"] == "Newer"


class TestWhatSomebodyElseHasWritten:
    """The columns of a row do not match its hash."""

    @pytest.mark.parametrize(
        ("column", "written"),
        [
            ("customer_name", "'Overwritten'"),
            ("company_name", "''"),
            ("primary_contact_person_id", "NULL"),
            ("primary_phone", "'+15550100'"),
            ("phone_problem", "'too_short'"),
            ("phone_not_callable", "'fax'"),
            ("primary_email", "NULL"),
            ("time_zone", "'Asia/Kolkata'"),
            ("contact_persons", "'[]'"),
            ("contact_persons", "'{}'"),
            ("contact_persons", "'null'"),
            ("contact_persons", "'[1, \"two\", {}]'"),
            ("contact_persons", "jsonb_set(contact_persons, '{0,first_name}', '\"Grace\"')"),
            ("contact_persons", "contact_persons || contact_persons"),
        ],
    )
    def test_the_next_read_overwrites_foreign_changes_once(
        self, engine: Engine, connection: Connection, column: str, written: str
    ) -> None:
        persons = (a_person("7001", mobile=A_BRITISH_MOBILE, is_primary=True), a_person("7002"))
        upsert(engine, connection, a_contact(persons=persons))
        before = cached(engine)[column]
        change(engine, f"UPDATE booksync.customers_cache SET {column} = {written}")
        assert cached(engine)[column] != before

        assert counts(upsert(engine, connection, a_contact(persons=persons), observed_at=OBSERVED_AT + A_MINUTE)) == (
            0,
            1,
        )
        assert cached(engine)[column] == before
        assert counts(upsert(engine, connection, a_contact(persons=persons), observed_at=OBSERVED_AT + A_MINUTE)) == (
            0,
            0,
        )

    def test_an_older_read_does_not_overwrite_foreign_changes(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact())
        change(engine, "UPDATE booksync.customers_cache SET customer_name = 'Overwritten'")
        assert counts(upsert(engine, connection, a_contact(), observed_at=OBSERVED_AT - A_MINUTE)) == (0, 0)
        assert cached(engine)["customer_name"] == "Overwritten"


def version(number: int) -> tuple[Contact, dt.datetime]:
    modified_at, observed_at = VERSIONS[number]
    return a_contact(name=f"Version {number}", modified_at=modified_at), observed_at


class TestTheGate:
    @pytest.mark.parametrize(("first", "second"), ORDERS)
    def test_the_newer_of_two_responses_stays_in_any_order(
        self, engine: Engine, connection: Connection, first: int, second: int
    ) -> None:
        for number in (first, second):
            contact, observed_at = version(number)
            upsert(engine, connection, contact, observed_at=observed_at)
        assert cached(engine)["customer_name"] == f"Version {max(first, second)}"

    def test_an_older_response_is_not_counted(self, engine: Engine, connection: Connection) -> None:
        contact, observed_at = version(3)
        upsert(engine, connection, contact, observed_at=observed_at)
        contact, observed_at = version(2)
        assert counts(upsert(engine, connection, contact, observed_at=observed_at)) == (0, 0)

    def test_a_response_of_the_same_moment_is_written(self, engine: Engine, connection: Connection) -> None:
        upsert(engine, connection, a_contact(name="First"))
        assert counts(upsert(engine, connection, a_contact(name="Second"))) == (0, 1)

    def test_any_response_replaces_a_customer_from_before_booksync(
        self, engine: Engine, connection: Connection
    ) -> None:
        change(
            engine,
            """
            INSERT INTO booksync.customers_cache (user_id, zoho_customer_id, customer_name)
            VALUES (:user_id, '5001', 'From an invoice')
            """,
            user_id=connection.user_id,
        )
        assert counts(upsert(engine, connection, a_contact(modified_at=None))) == (0, 1)
        found = cached(engine)
        assert (found["customer_name"], found["connection_id"]) == ("Analytical Engines", connection.connection_id)
