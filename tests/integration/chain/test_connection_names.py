"""Every command takes a connection by its name, its organisation's number, or the beginning of its id."""

import pytest

from domain.runs import Mode
from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import another_user, name_of, refusal_of, result_of, run

NAMED = [
    "status {}",
    "deletions list {}",
    "policy show {}",
    "phones audit {}",
    "reminders preview {}",
    "reminders skipped {}",
    "reminders due {}",
    "reminders close {}",
    "webhook show {}",
    "sync {} --dry-run",
    "resume {}",
    "budget resume {}",
    "dead-letters list --connection {}",
    "verify {}",
]


def test_the_name_comes_from_zoho_and_is_shown(bench: Bench) -> None:
    name = name_of(bench)
    assert name
    (state,) = result_of("status")["connections"]
    assert state["name"] == name
    assert name in run("status").stdout


@pytest.mark.parametrize("command", NAMED)
def test_a_command_takes_each_way_to_call_a_connection(bench: Bench, command: str) -> None:
    calls = (name_of(bench).upper(), bench.zoho.organization_id, str(bench.connection_id)[:8], str(bench.connection_id))
    for called in calls:
        result = run(*(called if word == "{}" else word for word in command.split()))
        # A comparison before the first sync fails by intention.
        assert result.exit_code == (1 if command.startswith("verify") else 0), result.output


def test_an_unknown_name_is_refused_with_the_next_step(bench: Bench) -> None:
    assert refusal_of("policy", "show", "Nobody & Co") == (
        "There is no connection Nobody & Co. A connection is called by its name, its organisation's number, or the "
        "first characters of its id, at least 4. Next: booksync connections list"
    )


def test_an_ambiguous_name_lists_the_candidates(bench: Bench) -> None:
    other = another_user(bench)
    refused = refusal_of("policy", "show", bench.zoho.organization_id)
    for each in (bench, other):
        (row,) = bench.rows("SELECT user_id FROM booksync.zoho_connections WHERE id = %(id)s", id=each.connection_id)
        assert f"{str(each.connection_id)[:8]} ({name_of(bench)}, organisation {bench.zoho.organization_id}" in refused
        assert f"user {row['user_id']}" in refused
    assert "Next: give the first characters of the id" in refused
    assert run("policy", "show", str(other.connection_id)[:8]).exit_code == 0


@pytest.mark.slow
def test_a_name_of_the_operators_choice_precedes_zohos_and_survives_a_sync(bench: Bench) -> None:
    assert result_of("rename", name_of(bench), " Main books ") == {
        "connection_id": str(bench.connection_id),
        "name": "Main books",
    }
    bench.sync(Mode.FULL)
    assert result_of("status", "main BOOKS")["connections"][0]["name"] == "Main books"
    refusal_of("status", name_of(bench))


def test_an_empty_name_restores_zohos(bench: Bench) -> None:
    run("rename", str(bench.connection_id), "Main books")
    assert result_of("rename", "Main books", "")["name"] == name_of(bench)


@pytest.mark.parametrize("name", ["x" * 101, "a\x1b[31mname", "two\nlines"])
def test_an_unusable_name_is_refused(bench: Bench, name: str) -> None:
    assert "Next: choose" in refusal_of("rename", str(bench.connection_id), name)


@pytest.mark.slow
def test_a_full_run_and_a_resume_refresh_the_name(bench: Bench) -> None:
    def forget(status: str) -> None:
        bench.rows("UPDATE booksync.zoho_connections SET organization_name = '', status = %(s)s RETURNING id", s=status)

    name = name_of(bench)
    forget("active")
    assert result_of("status")["connections"][0]["name"] is None
    bench.sync(Mode.FULL)
    assert result_of("status")["connections"][0]["name"] == name
    forget("parked")
    result_of("resume", str(bench.connection_id))
    assert result_of("status")["connections"][0]["name"] == name
