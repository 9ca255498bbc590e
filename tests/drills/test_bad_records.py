"""With one bad record in a hundred and one worker with wrong settings every other record is right."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from cryptography.fernet import Fernet

from sandbox.zoho.fault_requests import FaultName, HostileRow
from sandbox.zoho.shares import is_in_share
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import WORKER
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

CONTACTS = 2_500
INVOICES = 6_500

#: Share of the records with a failing detail call, with a mutated row, and with a wrong stamp.
SHARE = 0.01

#: Share in the later syncs, so that more than ten thousand rows are mutated in total.
LARGE_SHARE = 0.3
MUTATED_ROWS = 10_000
LATER_SYNCS = 4

TEN_YEARS_SECONDS = 10 * 366 * 86_400.0

LARGEST_RSS_KIB = 200 * 1024

PATIENCE_SECONDS = 900


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path, contacts=CONTACTS, invoices=INVOICES, latency_seconds=0.001, SWEEP_INTERVAL_SECONDS="1"
    ) as processes:
        # With a lifetime below the margin of a token refresh every step would refresh the token.
        processes.zoho.set_tokens(expires_in=360, max_per_window=1_000)
        yield processes


WRONG = {
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ZOHO_CLIENT_SECRET": "the secret before its rotation",
}


@pytest.mark.parametrize("setting", WRONG)
def test_every_other_record_is_right_and_every_bad_one_is_named(
    under_way: UnderWay, setting: str, announce: Callable[[str], None]
) -> None:
    under_way.installation.start(*WORKER, **{setting: WRONG[setting]})
    workers = Workers.started(under_way)
    mutated = 0

    # The bulk list is refused, so each customer needs a detail call.
    bad = BadRecords.struck(under_way, SHARE, salt="first", is_bulk_refused=True)
    refused = under_way.connect()
    sync(under_way, refused)
    mutated += holds(under_way, refused, bad, named=bad.failing_customers)

    # The bulk list is available.
    bad = BadRecords.struck(under_way, SHARE, salt="first")
    swept = under_way.connect()
    sync(under_way, swept)
    mutated += holds(under_way, swept, bad)
    for number in range(LATER_SYNCS):
        bad = BadRecords.struck(under_way, LARGE_SHARE, salt=f"later {number}").and_before(bad)
        sync(under_way, swept)
        mutated += holds(under_way, swept, bad)

    under_way.zoho.clear_faults()
    for connection_id in (refused, swept):
        sync(under_way, connection_id, "--allow-deletions")
        assert under_way.status(connection_id) == ("succeeded", None)
        assert under_way.differences(connection_id) == []
        assert rejected(under_way, connection_id) == set()
    assert under_way.look("SELECT count(*) FROM booksync.dead_letters WHERE closed_at IS NULL") == [(0,)]
    assert workers.dead == []
    assert max(workers.largest_rss_kib.values()) <= LARGEST_RSS_KIB
    assert mutated >= MUTATED_ROWS
    announce(f"{mutated} mutated rows; largest RSS in KiB: {sorted(workers.largest_rss_kib.values())}")


@dataclass(frozen=True)
class BadRecords:
    """The records that the faults strike, and dependent records: a contact's persons and invoices."""

    contacts: frozenset[str]
    invoices: frozenset[str]
    failing_customers: frozenset[str]
    owners: frozenset[str]  #: customers of the bad invoices: an invoice without an id is reported by its customer's id

    @classmethod
    def struck(cls, under_way: UnderWay, share: float, *, salt: str, is_bulk_refused: bool = False) -> "BadRecords":
        """Switch these faults on and all others off."""
        zoho = under_way.zoho
        zoho.clear_faults()
        if is_bulk_refused:
            zoho.fault(FaultName.BULK_PERSONS_REFUSED, status=404)
        zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, share=SHARE, salt="details", status=500, code=1000)
        zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICE, share=SHARE, salt="details", status=500, code=1000)
        zoho.fault(FaultName.STAMPS_LIE, share=SHARE, salt="stamps", seconds=TEN_YEARS_SECONDS)
        for kind, part in ((CallKind.CONTACTS, share), (CallKind.INVOICES, share), (CallKind.BULK_PERSONS, SHARE)):
            zoho.fault(FaultName.HOSTILE_ROW, kind=kind, share=part, salt=salt, row=HostileRow.MUTATED)
        return cls.of(zoho.snapshot(), share, salt)

    @classmethod
    def of(cls, truth: Mapping[str, Any], share: float, salt: str) -> "BadRecords":
        def is_bad(record_id: str) -> bool:
            return (
                is_in_share(record_id, share, salt)
                or is_in_share(record_id, SHARE, "stamps")
                or is_in_share(record_id, SHARE, "details")
            )

        contacts = frozenset(
            contact["contact_id"]
            for contact in truth["contacts"]
            if is_bad(contact["contact_id"])
            or any(is_in_share(person["contact_person_id"], SHARE, salt) for person in contact["contact_persons"])
        )
        invoices = frozenset(
            invoice["invoice_id"]
            for invoice in truth["invoices"]
            if is_bad(invoice["invoice_id"]) or invoice["customer_id"] in contacts
        )
        failing = frozenset(
            contact["contact_id"]
            for contact in truth["contacts"]
            if contact["contact_type"] == "customer"
            and is_in_share(contact["contact_id"], SHARE, "details")
            and not is_in_share(contact["contact_id"], share, salt)
        )
        owners = frozenset(invoice["customer_id"] for invoice in truth["invoices"] if is_bad(invoice["invoice_id"]))
        return cls(contacts, invoices, failing, owners)

    def and_before(self, before: "BadRecords") -> "BadRecords":
        """Include the records of an earlier sync, because wrong values stay until the record is read again."""
        return replace(self, contacts=self.contacts | before.contacts, invoices=self.invoices | before.invoices)

    @property
    def ids(self) -> frozenset[str]:
        return self.contacts | self.invoices


def sync(under_way: UnderWay, connection_id: str, *options: str) -> None:
    """Run a full sync to its end."""
    ordered = under_way.installation.run("sync", connection_id, "--full", "--json", *options)
    assert ordered.code == 0, ordered.stderr
    eventually(lambda: under_way.status(connection_id)[0] != "running", patience_seconds=PATIENCE_SECONDS)


def holds(under_way: UnderWay, connection_id: str, bad: BadRecords, *, named: frozenset[str] = frozenset()) -> int:
    """Check that every other record is right and not rejected; returns the number of mutated rows."""
    status, reason = under_way.status(connection_id)
    assert status in ("succeeded", "degraded")
    assert "not complete" not in (reason or "")
    truth = under_way.zoho.snapshot()
    known = {record["contact_id"] for record in truth["contacts"]} | {each["invoice_id"] for each in truth["invoices"]}
    wrong = [each for each in under_way.differences(connection_id) if record_of(each) in known - bad.ids]
    assert wrong == []
    found = rejected(under_way, connection_id)
    assert found & known <= bad.ids | bad.owners
    assert named <= found
    assert under_way.look("SELECT count(*) FROM booksync.zoho_connections WHERE status = 'parked'") == [(0,)]
    faults = under_way.zoho.faults()
    return sum(fault["strikes"] for fault in faults if fault["name"] == FaultName.HOSTILE_ROW)


def record_of(difference: str) -> str:
    """`invoice 4600: status` → 4600."""
    return str(re.findall(r"(\d+):|$", difference)[0])


def rejected(under_way: UnderWay, connection_id: str) -> set[str]:
    rows = under_way.look(
        "SELECT record_id FROM booksync.rejected_records WHERE connection_id = %(id)s AND record_id IS NOT NULL",
        id=connection_id,
    )
    return {record_id for (record_id,) in rows}


@dataclass(frozen=True)
class Workers:
    """All processes of booksync, listed at the start of the drill."""

    processes: tuple[psutil.Process, ...]

    @classmethod
    def started(cls, under_way: UnderWay) -> "Workers":
        masters = [psutil.Process(process.pid) for process in under_way.installation.processes]
        eventually(lambda: sum(bool(master.children()) for master in masters) >= 3)
        return cls(tuple(each for master in masters for each in [master, *master.children(recursive=True)]))

    @property
    def dead(self) -> list[psutil.Process]:
        return [process for process in self.processes if not process.is_running()]

    @property
    def largest_rss_kib(self) -> dict[int, int]:
        """The largest memory use of each process."""
        return {process.pid: high_water(process.pid) for process in self.processes}


def high_water(pid: int) -> int:
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kib)
