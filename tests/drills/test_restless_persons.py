"""The list of persons changes between its pages in a first sync: at the end of the same run every phone is right."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from pathlib import Path

import pytest

from sandbox.zoho import commands as ask
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.end_to_end.installation import WORKER, kill
from tests.end_to_end.underway import UnderWay, eventually, processes_under_way

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

CONTACTS = 8_000

#: The duration of a page of persons.
PAGE_SECONDS = 0.25

CHANGES_A_SECOND = 15

KILLS = 8

#: Changes in the second in which the bulk read began are left to the next run, which reads that second again.
FIRST_CALL_OF_EDITS = ceil(2 / PAGE_SECONDS)


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[UnderWay]:
    with processes_under_way(
        tmp_path,
        contacts=CONTACTS,
        invoices=2_000,
        latency_seconds=0.005,
        CLAIM_SECONDS="10",
        SWEEP_INTERVAL_SECONDS="1",
    ) as processes:
        yield processes


@pytest.fixture
def chance(announce: Callable[[str], None]) -> random.Random:
    seed = random.randrange(1_000_000)
    announce(f"seed {seed}")
    return random.Random(seed)


def test_every_phone_is_right_after_deletions_between_two_pages(under_way: UnderWay, chance: random.Random) -> None:
    after_each_page(under_way, lambda _, contact_ids: [_deletion(contact_ids) for _ in range(2)], chance)
    ends_with_every_phone_right(under_way, under_way.begin_sync())


def test_every_phone_is_right_after_fifteen_changes_a_second(under_way: UnderWay, chance: random.Random) -> None:
    after_each_page(under_way, lambda call, contact_ids: changes(call, contact_ids, chance), chance)
    ends_with_every_phone_right(under_way, under_way.begin_sync())


def test_every_phone_is_right_after_fifteen_changes_a_second_and_killed_workers(
    under_way: UnderWay, chance: random.Random
) -> None:
    after_each_page(under_way, lambda call, contact_ids: changes(call, contact_ids, chance), chance)
    connection_id = under_way.begin_sync()
    kill_while_persons_are_read(under_way, connection_id, chance)
    ends_with_every_phone_right(under_way, connection_id)


def after_each_page(
    under_way: UnderWay, mutations: Callable[[int, list[int]], Sequence[ask.Mutation]], chance: random.Random
) -> None:
    """Make changes in Zoho right after each call for a page of persons, except the last. Each contact changes once.

    All changes happen before the contacts are read, because later changes are left to the next run.
    """
    contacts = under_way.zoho.snapshot()["contacts"]
    contact_ids = [int(contact["contact_id"]) for contact in contacts if contact["contact_persons"]]
    chance.shuffle(contact_ids)
    pages = ceil(sum(len(contact["contact_persons"]) for contact in contacts) / 200)
    assert pages > 30
    under_way.zoho.fault(FaultName.LATENCY, kind=CallKind.BULK_PERSONS, seconds=PAGE_SECONDS)
    for call in range(1, pages):
        under_way.zoho.fault(
            FaultName.MUTATION_AFTER,
            kind=CallKind.BULK_PERSONS,
            requests=call,
            mutations=mutations(call, contact_ids),
        )


def changes(call: int, contact_ids: list[int], chance: random.Random) -> list[ask.Mutation]:
    count = ceil(CHANGES_A_SECOND * PAGE_SECONDS)
    makers = _MAKERS if call >= FIRST_CALL_OF_EDITS else [_deletion]
    return [chance.choice(makers)(contact_ids) for _ in range(count)]


def _deletion(contact_ids: list[int]) -> ask.Mutation:
    return ask.DeleteContact(contact_id=contact_ids.pop(), with_invoices=True)


def _new_primary(contact_ids: list[int]) -> ask.Mutation:
    fields = ask.PersonFields(first_name="Joined", mobile="+44 7912 345678")
    return ask.CreatePerson(contact_id=contact_ids.pop(), fields=fields, primary=True)


def _renaming(contact_ids: list[int]) -> ask.Mutation:
    return ask.EditContact(contact_id=contact_ids.pop(), fields=ask.ContactFields(contact_name="Renamed"))


def _arrival(_: list[int]) -> ask.Mutation:
    persons = (ask.PersonFields(first_name="Ada", mobile="+44 7912 345679"), ask.PersonFields(first_name="Bob"))
    return ask.CreateContact(fields=ask.ContactFields(contact_name="Newcomer"), persons=persons)


#: Deletions are half of the changes, because they shift the pages.
_MAKERS: list[Callable[[list[int]], ask.Mutation]] = [
    _deletion,
    _deletion,
    _deletion,
    _new_primary,
    _renaming,
    _arrival,
]


def kill_while_persons_are_read(under_way: UnderWay, connection_id: str, chance: random.Random) -> None:
    """Kill and replace workers, each some time after progress of the run."""
    workers = under_way.installation.processes[:2]
    for _ in range(KILLS):
        before = under_way.progress(connection_id)
        eventually(lambda: under_way.progress(connection_id) > before)  # noqa: B023  (called at once)
        time.sleep(chance.uniform(0, 2 * PAGE_SECONDS))
        assert under_way.look(
            "SELECT phase FROM booksync.sync_runs WHERE connection_id = %(id)s", id=connection_id
        ) == [("persons",)]
        victim = workers.pop(chance.randrange(len(workers)))
        kill(victim)
        workers.append(under_way.installation.start(*WORKER))


def ends_with_every_phone_right(under_way: UnderWay, connection_id: str) -> None:
    eventually(lambda: under_way.status(connection_id)[0] != "running", patience_seconds=300)
    assert under_way.status(connection_id) == ("succeeded", None)
    assert under_way.differences(connection_id) == []
