"""`booksync connections list`: every connection with its state and its next sync."""

import uuid

from tests.integration.chain.bench import Bench
from tests.integration.chain.connection_commands import another_user, name_of, result_of, run
from tests.screen import show, too_wide


def test_the_list_has_each_connections_facts(bench: Bench) -> None:
    bench.sync()
    (listed,) = result_of("connections", "list")["connections"]
    assert (listed["connection_id"], listed["organization_id"]) == (
        str(bench.connection_id),
        bench.zoho.organization_id,
    )
    assert (listed["name"], listed["data_center"], listed["status"]) == (name_of(bench), "com", "active")
    assert None not in (listed["last_customer_sync_at"], listed["last_invoice_sync_at"], listed["next_sync_at"])


def test_the_list_fits_80_columns_and_says_why_a_connection_gets_no_work(bench: Bench) -> None:
    other = another_user(bench)
    run("rename", str(bench.connection_id), "A name that is much longer than its column")
    run("pause", str(bench.connection_id), "--reason", "the books are closed for the year-end audit by the accountants")
    bench.rows(
        """
        UPDATE booksync.zoho_connections SET status = 'parked', parked_reason = %(why)s WHERE id = %(id)s RETURNING id
        """,
        why="Zoho no longer knows the refresh token, because it was revoked there.",
        id=other.connection_id,
    )
    lines = show("connections", "list", width=80)
    assert too_wide(lines, 80) == []
    shown = " ".join(" ".join(lines).split())
    assert "the books are closed for the year-end audit by the accountants. It is paused." in shown
    assert f"It is paused. Next: booksync resume {str(bench.connection_id)[:8]}" in shown
    assert "Zoho no longer knows the refresh token" in shown


def test_a_stopped_connection_promises_no_next_sync(bench: Bench) -> None:
    for stop in ("UPDATE booksync.zoho_connections SET status = 'parked'", None):
        if stop is None:
            run("pause", str(bench.connection_id))
        else:
            bench.rows(f"{stop} RETURNING id")
        assert result_of("connections", "list")["connections"][0]["next_sync_at"] is None
        (state,) = result_of("status")["connections"]
        assert (state["next_sync_at"], state["next_full_sync_at"]) == (None, None)


def test_the_list_is_narrowed_to_states(bench: Bench) -> None:
    other = another_user(bench)
    run("pause", str(other.connection_id))

    def listed(*states: str) -> list[uuid.UUID]:
        options = [word for state in states for word in ("--state", state)]
        return [uuid.UUID(each["connection_id"]) for each in result_of("connections", "list", *options)["connections"]]

    assert listed("paused") == [other.connection_id]
    assert listed("active", "paused") == [bench.connection_id, other.connection_id]
    assert listed("disconnected") == []
    assert run("connections", "list", "--state", "gone").exit_code == 2


def test_names_are_shown_without_control_characters(bench: Bench) -> None:
    bench.rows("UPDATE booksync.zoho_connections SET organization_name = %(x)s RETURNING id", x="\x1b[31mred\u202e")
    assert "\x1b" not in run("connections", "list").stdout
    assert "\x1b" not in run("connections", "list", "--json").stdout
