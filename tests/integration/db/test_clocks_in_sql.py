"""Promise of `booksync.clock_problem`: it permits a call at the same moments as `calling_hours` in Python."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import orjson
import pytest
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA
from sqlalchemy import Engine, text

from db.session import Session
from domain.reminders.calling_window import WORKING_DAYS, CallingWindow
from domain.reminders.clocks import calling_hours_of
from domain.reminders.policy import ORGANISATION, SKIP, ReminderPolicy
from domain.reminders.public_holidays import rest_days
from tests.builders import a_customer

#: The possible sets of zones of a number, from the phone metadata.
ZONE_SETS = sorted({zones for zones in TIMEZONE_DATA.values() if UNKNOWN_TIMEZONE not in zones})

#: Countries with different weekends: Friday and Saturday, Sunday only, Saturday and Sunday, and an unknown country.
COUNTRIES = [None, "GB", "US", "AU", "BR", "IL", "SA", "AE", "BH", "NP", "IN", "ID", "LY"]

MOMENTS_COMPARED = 3000


@dataclass(frozen=True)
class Situation:
    """The facts that decide at one moment whether a customer may be called."""

    moment: dt.datetime
    zones: tuple[str, ...]
    country: str | None
    home: str
    policy: ReminderPolicy


def some_situation(rng: random.Random) -> Situation:
    zones = rng.choice(ZONE_SETS)
    opens = dt.time(rng.randrange(5, 15), rng.choice([0, 30]))
    closes = dt.time(rng.randrange(opens.hour + 1, 24), rng.choice([0, 15, 59]))
    weekdays = WORKING_DAYS if rng.random() < 0.6 else frozenset(rng.sample(range(7), rng.randint(1, 7)))
    country = rng.choice(COUNTRIES)
    counting = {}
    if country and rng.random() < 0.5:
        among = zones if rng.random() < 0.7 else rng.choice(ZONE_SETS)
        counting[country] = tuple(rng.sample(among, rng.randint(1, len(among))))
    policy = ReminderPolicy(
        window=CallingWindow(weekdays=weekdays, opens=opens, closes=closes, usual_time=opens),
        skip_holidays=False,
        zones=counting,
        unknown_zone=rng.choice([SKIP, ORGANISATION, "Australia/Sydney", "America/Los_Angeles"]),
    )
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + rng.randrange(5 * 366 * 24 * 60) * dt.timedelta(minutes=1)
    return Situation(moment, zones, country, rng.choice(["Asia/Kolkata", "America/New_York"]), policy)


def open_in_python(it: Situation) -> bool:
    customer = replace(a_customer(country_code=it.country), time_zones=it.zones)
    return calling_hours_of(customer, it.policy, it.home).contains(it.moment)


def open_in_sql(db: Session, situations: Sequence[Situation]) -> list[bool]:
    sent = [
        {
            "at": it.moment,
            "zones": it.zones,
            "country": it.country,
            "rest_days": sorted(rest_days(it.country)),
            "home": it.home,
            "rules": it.policy.to_json(),
        }
        for it in situations
    ]
    problems = db.execute(
        text("""
            SELECT booksync.clock_problem(at, zones, country, rest_days, home, rules)
              FROM ROWS FROM (
                       jsonb_to_recordset(CAST(:situations AS jsonb)) AS (
                           at timestamptz, zones text[], country text, rest_days integer[], home text, rules jsonb
                       )
                   ) WITH ORDINALITY AS it (at, zones, country, rest_days, home, rules, n)
             ORDER BY n
        """),
        {"situations": orjson.dumps(sent).decode()},
    ).scalars()
    found = list(problems)
    assert set(found) <= {None, "time_zone_unknown", "outside_hours"}
    return [problem is None for problem in found]


def shown_the_same(db: Session, situations: Sequence[Situation]) -> list[Situation]:
    """The situations whose zones have the same clocks in Postgres and Python: a law may have changed between them."""
    names = [[*it.zones, it.home, *it.policy.zones.get(it.country or "", ())] for it in situations]
    sent = [{"at": it.moment, "names": of_it} for it, of_it in zip(situations, names, strict=True)]
    shown = db.execute(
        text("""
            SELECT ARRAY(
                SELECT booksync.local_time(at, name) FROM unnest(names) WITH ORDINALITY AS t (name, m) ORDER BY m
            )
              FROM ROWS FROM (
                       jsonb_to_recordset(CAST(:situations AS jsonb)) AS (at timestamptz, names text[])
                   ) WITH ORDINALITY AS it (at, names, n)
             ORDER BY n
        """),
        {"situations": orjson.dumps(sent).decode()},
    ).scalars()
    expected = [
        [it.moment.astimezone(ZoneInfo(name)).replace(tzinfo=None) for name in of_it]
        for it, of_it in zip(situations, names, strict=True)
    ]
    return [it for it, found, clocks in zip(situations, shown, expected, strict=True) if found == clocks]


@pytest.mark.slow
def test_sql_and_python_open_at_the_same_moments(engine: Engine) -> None:
    rng = random.Random(20260402)
    situations = [some_situation(rng) for _ in range(MOMENTS_COMPARED)]
    with engine.connect() as db:
        compared = shown_the_same(db, situations)
        in_sql = open_in_sql(db, compared)
    in_python = [open_in_python(it) for it in compared]
    assert [it for it, sql, python in zip(compared, in_sql, in_python, strict=True) if sql != python] == []
    assert len(compared) > 0.9 * len(situations)
    assert 0.1 < sum(in_python) / len(compared) < 0.9
