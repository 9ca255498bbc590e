"""Ten thousand events of an organisation whose calls pause do not delay a single event of another organisation."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from dramatiq import Broker
from sqlalchemy import Engine

from db import webhook_events
from db.engine import new_engine
from domain.entities import CUSTOMER
from domain.webhooks import Event, EventKind
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way
from workers.queue import new_broker, send_refresh
from workers.redis_access import new_redis_client

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

EVENTS = 10_000

#: From the event to its row, on a machine that is busy with the other events; on a slow one, this share of the time
#: in which the others were sent.
MOMENTS_SECONDS = 3.0
SHARE_OF_SENDING = 0.1

#: Events of an organisation that are sent at once, each of which costs a call of a second.
FLOOD = 400

#: The calls that an event of another organisation may wait for: a few for each thread that reads the flood.
MOST_OVERTAKERS = 25


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=20, invoices=0, latency_seconds=0.01, organizations=2) as processes:
        yield processes


@pytest.fixture
def slow_zoho(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(tmp_path, contacts=20, invoices=0, latency_seconds=1.0, organizations=2) as processes:
        yield processes


def test_ten_thousand_waiting_events_do_not_delay_another_organisation(
    under_way: UnderWay, announce: Callable[[str], None]
) -> None:
    busy = uuid.UUID(under_way.connect())
    zoho = under_way.zoho
    with SandboxControl(zoho.url, zoho.organization_ids()[1]) as other, the_means(under_way) as (engine, broker):
        connected = replace(under_way.installation, zoho=other).connect(uuid.uuid4())
        quiet = uuid.UUID(connected.json["connection_id"])
        zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=429, code=44)
        began = time.monotonic()
        for first in range(0, EVENTS, 500):
            tell(engine, broker, busy, [str(5_000_000 + number) for number in range(first, first + 500)])
        told_in = time.monotonic() - began
        waits = []
        for contact in other.snapshot()["contacts"][:5]:
            began = time.monotonic()
            tell(engine, broker, quiet, [str(contact["contact_id"])])
            eventually(lambda: waiting(under_way, quiet) == 0, 300)
            waits.append(time.monotonic() - began)
    announce(
        f"{EVENTS} events sent in {told_in:.0f} s; another organisation's were processed in "
        f"{', '.join(f'{each:.1f}' for each in waits)} s; {waiting(under_way, busy)} events of the first still wait"
    )
    assert max(waits) <= max(MOMENTS_SECONDS, SHARE_OF_SENDING * told_in)


def test_flood_being_read_does_not_delay_another_organisations_webhook(
    slow_zoho: UnderWay, announce: Callable[[str], None]
) -> None:
    busy = uuid.UUID(slow_zoho.connect())
    zoho = slow_zoho.zoho
    with SandboxControl(zoho.url, zoho.organization_ids()[1]) as other, the_means(slow_zoho) as (engine, broker):
        connected = replace(slow_zoho.installation, zoho=other).connect(uuid.uuid4())
        quiet = uuid.UUID(connected.json["connection_id"])
        overtakers = []
        for number, contact in enumerate(other.snapshot()["contacts"][:3]):
            before = calls(zoho)
            tell(engine, broker, busy, [str(5_000_000 + FLOOD * number + each) for each in range(FLOOD)])
            eventually(lambda: calls(zoho) > before)  # noqa: B023  (called at once)
            before = calls(zoho)
            tell(engine, broker, quiet, [str(contact["contact_id"])])
            eventually(lambda: waiting(slow_zoho, quiet) == 0, 300)
            overtakers.append(calls(zoho) - before)
    announce(f"another organisation's event was handled during {overtakers} calls for floods of {FLOOD} events")
    assert max(overtakers) <= MOST_OVERTAKERS


def calls(zoho: SandboxControl) -> int:
    """The number of calls that Zoho has received for the control's own organisation."""
    return sum(arrival.organization_id == zoho.organization_id for arrival in zoho.stats().arrivals)


@contextmanager
def the_means(under_way: UnderWay) -> Iterator[tuple[Engine, Broker]]:
    environment = under_way.installation.environment
    engine = new_engine(environment["DATABASE_URL"], application_name="drill")
    client = new_redis_client(environment["REDIS_URL"], patient=False)
    try:
        yield engine, new_broker(client)
    finally:
        client.close()
        engine.dispose()


def tell(engine: Engine, broker: Broker, connection_id: uuid.UUID, contact_ids: Sequence[str]) -> None:
    """Store events and send the due refreshes, like the web process."""
    with engine.begin() as db:
        found = [
            webhook_events.receive(
                db, connection_id, Event(CUSTOMER.name, each, EventKind.CHANGED, modified_at=None, digest=None)
            )
            for each in contact_ids
        ]
    for due in found:
        if due is not None:
            send_refresh(broker, due)


def waiting(under_way: UnderWay, connection_id: uuid.UUID) -> int:
    ((count,),) = under_way.look(
        "SELECT count(*) FROM booksync.refreshes WHERE received > handled AND connection_id = %(id)s", id=connection_id
    )
    return int(count)
