"""Promises of the two gates before a handover: the connection is open, and the customer's clocks allow a call.

The clocks are checked at the handover of a reminder, whatever its plan contains.
"""

import datetime as dt
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from zoneinfo import ZoneInfo, available_timezones

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from db import hand_over, openings
from db.connections import Connection
from db.hand_over import Claimed
from db.session import Session
from domain.reminders.hand_over import HoldReason
from domain.time_zones import is_place_zone, known_zone
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.look import change, rows
from tests.integration.db.reminding import A_DAY, DUE_AT, SWITCH_ON, claim, held_back, tell_and_plan, tell_contact

AN_HOUR = dt.timedelta(hours=1)

#: Listing the zones reads the zone files.
ZONES_IN_LOWER_CASE = {zone.lower() for zone in available_timezones()}


@pytest.fixture
def two(engine: Engine, connection: Connection) -> Connection:
    """A connection with two customers, each with a reminder that is due and may be handed over."""
    tell_contact(engine, connection, a_contact("5002", mobile=A_LONDON_PHONE, details=SWITCH_ON))
    tell_and_plan(engine, connection, an_invoice("1"), an_invoice("2", customer_id="5002"))
    return connection


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Session]:
    with engine.connect() as db:
        yield db
        db.rollback()


def reasons(db: Session) -> dict[str, HoldReason | None]:
    """The hold reason of each due reminder, by the number."""
    return {found.phone: found.held_back for found in hand_over.due(db, at=DUE_AT)}


def test_postgres_knows_every_zone_that_a_policy_may_contain(engine: Engine) -> None:
    names = sorted(zone for zone in available_timezones() if is_place_zone(zone))
    assert {"America/Port-au-Prince", "America/Argentina/Buenos_Aires", "Etc/GMT-14", "UTC"} <= set(names)
    statement = "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE booksync.local_time(now(), name) IS NULL"
    assert rows(engine, statement, names=names) == []


class TestNamesThatAreNoZones:
    #: Names that Postgres or a file system could mistake for zones.
    TRAPS = (
        *("Foo5", "Foo/Bar5", "Foo/Bar-5", "<+03>-3", "GMT+5", "UTC-3:30", "EST5EDT4", "Etc/GMT+15", "Etc/GMT-15"),
        *("Etc/GMT+99", "Mars/Phobos", "Europe", "Europe/", "/Europe/London", "../etc/passwd", "Europe/London ", " "),
        *("", "O'Brien/Dublin", 'Europe/"London"', "Europe/London\nUTC", "'; DROP TABLE reminders; --", "+05:00"),
        *("{Europe/London}", "NULL", "default", "a/" * 30 + "a", "A" * 300, "Zürich/Ü", "%s", "%1$I"),
    )
    #: Postgres ignores the case of a zone's name.
    ANY_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8")).filter(
        lambda name: name.lower() not in ZONES_IN_LOWER_CASE
    )
    JUNK = st.none() | st.sampled_from(TRAPS) | ANY_TEXT

    @given(zones=st.none() | st.lists(st.one_of(JUNK, st.just("Europe/London")), max_size=4))
    @example(zones=[])
    @example(zones=[None])
    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    def test_an_invalid_zone_holds_back_only_its_own_reminder(
        self, engine: Engine, two: Connection, zones: list[str | None] | None
    ) -> None:
        assert two
        known = zones and all(zone is not None and known_zone(zone) for zone in zones)
        with rolled_back(engine) as db:
            db.execute(
                text("UPDATE booksync.customers_cache SET time_zones = :zones WHERE primary_phone <> :other"),
                {"zones": zones, "other": A_LONDON_PHONE},
            )
            found = reasons(db)
            assert found.pop(A_LONDON_PHONE) is None
            assert list(found.values()) == [None if known else HoldReason.TIME_ZONE_UNKNOWN]
            taken = hand_over.claim(db, at=DUE_AT)
        assert {one.phone for one in taken} == {A_LONDON_PHONE, *(found if known else ())}

    @pytest.mark.parametrize("name", TRAPS)
    def test_an_invalid_zone_has_no_time(self, engine: Engine, name: str) -> None:
        assert known_zone(name) is None
        with engine.connect() as db:
            shown = db.execute(text("SELECT booksync.local_time(now(), :zone)"), {"zone": name}).scalar_one()
        assert shown is None

    @pytest.mark.parametrize(
        "zone", ["Etc/GMT+12", "Etc/GMT-14", "Etc/GMT+0", "Etc/GMT", "UTC", "America/Port-au-Prince"]
    )
    def test_invalid_zones_differ_from_valid_ones(self, engine: Engine, zone: str) -> None:
        with engine.connect() as db:
            shown = db.execute(text("SELECT booksync.local_time(:at, :zone)"), {"at": DUE_AT, "zone": zone})
            assert shown.scalar_one() == DUE_AT.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    RULES: tuple[object, ...] = (
        {"opens": "soon", "closes": "25:00"},
        {"opens": "18:00", "closes": "09:00"},
        {"opens": 9, "closes": None},
        {"weekdays": []},
        {"weekdays": [None, 1, "someday"]},
        {"weekdays": "mon"},
        {"zones": {"GB": []}},
        {"zones": {"GB": [None, 7, "Foo5"]}},
        {"zones": {"GB": "Europe/London"}},
        {"zones": []},
        {"unknown_zone": "Foo/Bar5"},
        {"unknown_zone": None},
        {"unknown_zone": ["skip"]},
        [],
        None,
        "text",
    )

    @pytest.mark.parametrize("rules", RULES)
    def test_an_invalid_zone_in_a_policy_affects_no_other_connection(
        self, engine: Engine, two: Connection, rules: object
    ) -> None:
        change(
            engine,
            "INSERT INTO booksync.reminder_policies (connection_id, rules) VALUES (:id, CAST(:rules AS jsonb))",
            id=two.connection_id,
            rules=orjson.dumps(rules).decode(),
        )
        change(
            engine,
            "UPDATE booksync.customers_cache SET time_zones = '{}' WHERE primary_phone <> :other",
            other=A_LONDON_PHONE,
        )
        assert len(held_back(engine)) == 2
        assert {one.phone for one in claim(engine)} <= {A_LONDON_PHONE}

    @pytest.mark.parametrize("name", [None, "", "Foo5", "Mars/Phobos"])
    def test_an_invalid_zone_of_the_organisation_is_not_a_stand_in(
        self, engine: Engine, two: Connection, name: str | None
    ) -> None:
        change(
            engine,
            """
            INSERT INTO booksync.reminder_policies (connection_id, rules)
            VALUES (:id, '{"unknown_zone": "organisation"}')
            """,
            id=two.connection_id,
        )
        change(engine, "ALTER TABLE booksync.zoho_connections ALTER time_zone DROP NOT NULL")
        try:
            change(engine, "UPDATE booksync.zoho_connections SET time_zone = :name", name=name)
            change(engine, "UPDATE booksync.customers_cache SET time_zones = '{}'")
            assert held_back(engine) == [HoldReason.TIME_ZONE_UNKNOWN] * 2
        finally:
            change(engine, "UPDATE booksync.zoho_connections SET time_zone = 'Europe/London'")
            change(engine, "ALTER TABLE booksync.zoho_connections ALTER time_zone SET NOT NULL")


class TestTheClocks:
    @pytest.mark.parametrize("zone", ["Europe/London", "Australia/Sydney", "America/Los_Angeles"])
    def test_a_reminder_with_a_wrong_plan_is_never_handed_over(
        self, engine: Engine, due: Connection, zone: str
    ) -> None:
        """Every second hour of a week, as if a plan had chosen it."""
        assert due
        change(engine, "UPDATE booksync.customers_cache SET time_zones = ARRAY[:zone]", zone=zone)
        change(engine, "UPDATE invoices_cache SET plan_at = :at", at=DUE_AT + 30 * A_DAY)
        for hours in range(0, 7 * 24, 2):
            at = DUE_AT + hours * AN_HOUR
            local = at.astimezone(ZoneInfo(zone))
            with rolled_back(engine) as db:
                plan = {"at": at - AN_HOUR, "closes": at + AN_HOUR, "now": at}
                db.execute(text("UPDATE reminders SET scheduled_at = :at, closes_at = :closes WHERE step = 0"), plan)
                db.execute(text("UPDATE reminders SET status = 'cancelled' WHERE step <> 0"))
                db.execute(text("UPDATE sync_metadata SET last_invoice_sync_at = :now"), plan)
                taken = hand_over.claim(db, at=at)
            assert bool(taken) == (9 <= local.hour < 18 and local.weekday() < 5), local


class TestTheSwitch:
    def test_a_closed_connection_hands_nothing_over_and_keeps_its_plans(self, engine: Engine, due: Connection) -> None:
        before = rows(engine, "SELECT step, status FROM reminders ORDER BY step")
        with engine.begin() as db:
            openings.close_handover(db, due.connection_id)
        assert (held_back(engine), claim(engine)) == ([HoldReason.HANDOVER_CLOSED], [])
        assert rows(engine, "SELECT step, status FROM reminders ORDER BY step") == before

    @pytest.mark.parametrize("word", ["", "OPEN", "opened", "yes"])
    def test_only_the_value_open_opens_the_switch(self, engine: Engine, due: Connection, word: str) -> None:
        change(
            engine,
            "UPDATE booksync.zoho_connections SET handover = :word WHERE id = :id",
            word=word,
            id=due.connection_id,
        )
        assert (held_back(engine), claim(engine)) == ([HoldReason.HANDOVER_CLOSED], [])

    @pytest.mark.slow
    def test_concurrent_handovers_return_nothing_while_it_is_closed_or_night(
        self, engine: Engine, connection: Connection
    ) -> None:
        numbers = range(40)
        for number in numbers:
            tell_contact(
                engine, connection, a_contact(str(number), mobile=f"+4479123456{number:02d}", details=SWITCH_ON)
            )
        tell_and_plan(engine, connection, *(an_invoice(str(number), customer_id=str(number)) for number in numbers))
        night = DUE_AT + 12 * AN_HOUR
        change(engine, "UPDATE reminders SET closes_at = :later", later=night + AN_HOUR)
        change(engine, "UPDATE invoices_cache SET plan_at = :later", later=night + AN_HOUR)
        change(engine, "UPDATE booksync.reminder_policies SET rules = '{}'")
        closed: list[tuple[float, float]] = []
        done = threading.Event()

        def claimer(seed: int) -> list[tuple[float, float, Sequence[Claimed], bool]]:
            rng = random.Random(seed)
            found: list[tuple[float, float, Sequence[Claimed], bool]] = []
            while not done.is_set():
                at = rng.choice([DUE_AT, night])
                began = time.monotonic()
                taken = claim(engine, at=at, at_most=1)
                found.append((began, time.monotonic(), taken, at == night))
            return found

        with ThreadPoolExecutor(5) as threads:
            claimers = [threads.submit(claimer, seed) for seed in range(5)]
            try:
                for _ in range(20):
                    with engine.begin() as db:
                        openings.close_handover(db, connection.connection_id)
                    since = time.monotonic()
                    time.sleep(0.02)
                    closed.append((since, time.monotonic()))
                    change(engine, "UPDATE booksync.zoho_connections SET handover = 'open'")
            finally:
                done.set()
        claims = [each for future in claimers for each in future.result()]
        taken = [one for _, _, taken, _ in claims for one in taken]
        assert len({one.phone for one in taken}) == len(taken) > 0
        assert not [taken for _, _, taken, is_night in claims if is_night and taken]
        assert not [
            taken
            for began, ended, taken, _ in claims
            if taken and any(since <= began and ended <= until for since, until in closed)
        ]
