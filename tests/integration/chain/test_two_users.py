"""Two users may be connected to one organisation. Only one of the connections hands reminders over."""

import threading

import pytest

from db import openings
from db.openings import HandoverTakenError
from domain.reminders.opening import Backlog
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import another_user, name_of, refusal_of, result_of, run
from tests.integration.db.look import change
from workers.services.disconnect import disconnect
from workers.services.erase import erase
from workers.services.open_handovers import OrganizationTakenError, open_handovers
from workers.services.pause import pause


def connected(bench: Bench, user: str) -> dict[str, object]:
    words = ("--user", user, "--organization", bench.zoho.organization_id, "--grant-code", "-")
    return result_of("connect", *words, given=f"{bench.zoho.grant_code()}\n")


def test_the_second_user_is_told_of_the_first(bench: Bench) -> None:
    (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections")
    bench.open()
    second = "5f9c1a52-0000-4000-8000-000000000002"
    assert connected(bench, second)["also_connected"] == [
        {
            "connection_id": str(bench.connection_id),
            "user_id": str(row["user_id"]),
            "name": name_of(bench),
            "hands_over": True,
        }
    ]
    words = ("--user", second, "--organization", bench.zoho.organization_id, "--grant-code", "-")
    told = run("connect", *words, given=f"{bench.zoho.grant_code()}\n").stderr
    assert f"User {row['user_id']} is also connected to this organisation" in told


def test_a_first_user_is_told_of_no_one(bench: Bench) -> None:
    (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections")
    assert connected(bench, str(row["user_id"]))["also_connected"] == []


def test_the_connection_that_was_opened_first_owns_the_organisation(bench: Bench) -> None:
    second = another_user(bench)
    open_handovers(bench.resources.engine, bench.connection_id, Backlog.NONE)
    refused = refusal_of("reminders", "open", str(second.connection_id))
    assert f"Connection {bench.connection_id} of user " in refused
    assert (
        f"Next: booksync reminders close {bench.connection_id}, then booksync reminders open {second.connection_id}"
        in (refused)
    )
    # Opening the owner again only moves its opening.
    open_handovers(bench.resources.engine, bench.connection_id, Backlog.LATEST)


@pytest.mark.slow
def test_a_debtor_is_called_for_one_of_the_users(bench: Bench) -> None:
    second = another_user(bench)
    for each in (bench, second):
        each.sync()
    open_handovers(bench.resources.engine, bench.connection_id, Backlog.LATEST)
    bench.rows("UPDATE reminders SET scheduled_at = now() WHERE status = 'scheduled' RETURNING id")
    claimed = bench.rows("SELECT connection_id FROM booksync.claim_due_reminders(1000)")
    assert {row["connection_id"] for row in claimed} <= {bench.connection_id}


@pytest.mark.parametrize("way", ["close", "disconnect", "erase"])
def test_the_second_user_can_open_after_the_first_has_ended(bench: Bench, way: str) -> None:
    second = another_user(bench)
    bench.open()
    match way:
        case "close":
            result_of("reminders", "close", str(bench.connection_id))
        case "disconnect":
            disconnect(bench.resources, bench.connection_id)
        case _:
            erase(bench.resources, bench.connection_id)
    open_handovers(bench.resources.engine, second.connection_id, Backlog.NONE)


def test_a_pause_keeps_the_organisation(bench: Bench) -> None:
    second = another_user(bench)
    bench.open()
    pause(bench.resources.engine, bench.connection_id)
    with pytest.raises(OrganizationTakenError):
        open_handovers(bench.resources.engine, second.connection_id, Backlog.NONE)
    result_of("resume", str(bench.connection_id))


def test_of_two_connections_opened_at_once_one_is_open(bench: Bench) -> None:
    second = another_user(bench)
    barrier, refused = threading.Barrier(2), []

    def open_it(each: Bench) -> None:
        barrier.wait(10)
        try:
            open_handovers(each.resources.engine, each.connection_id, Backlog.NONE)
        except OrganizationTakenError as error:
            refused.append(error)

    threads = [threading.Thread(target=open_it, args=[each]) for each in (bench, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert len(bench.rows("SELECT id FROM booksync.zoho_connections WHERE handover = 'open'")) == 1


def test_the_database_itself_refuses_a_second_open_connection(bench: Bench) -> None:
    second = another_user(bench)
    bench.open()
    with pytest.raises(HandoverTakenError):
        second.open()
    with second.resources.engine.connect() as db:
        assert openings.state_of(db, second.connection_id).handover == "closed"
    change(bench.resources.engine, "UPDATE booksync.zoho_connections SET handover = 'closed'")
