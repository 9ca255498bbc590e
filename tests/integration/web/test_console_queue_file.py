"""The queue of calls as a CSV file, which spreadsheet programs open safely."""

import csv
import io

import httpx
import psycopg
import pytest

from domain.operators import Role
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.web.calling import UNKNOWN_ID, a_connection_with, actions, signed_in
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services import call_queue

QUEUE = "/calls/queue"
DOWNLOAD = f"{QUEUE}/download"
FORMULA = "=HYPERLINK(1)"

#: Due reminders of the first invoice, one for each step from 0 on, each with a number of its own but the first.
_PLAN = """
    INSERT INTO reminders (user_id, invoice_id, customer_id, step, phone, day, scheduled_at, closes_at)
    SELECT user_id, id, customer_id, step,
           CASE step WHEN 0 THEN %(phone)s ELSE '+4420703140' || to_char(step, 'FM00') END,
           '2026-03-02', '2026-03-02 10:00 Europe/London', '2026-03-02 18:00 Europe/London'
      FROM invoices_cache, generate_series(0, %(last)s) AS step
     WHERE zoho_invoice_id = '8001'
"""


@pytest.fixture
def connection_id(basics: Basics, database: psycopg.Connection) -> str:
    """The id of a connection without reminders, whose customer is called like a formula."""
    connection = a_connection_with(
        basics.engine, a_contact(name=FORMULA, mobile=A_LONDON_PHONE), an_invoice(number="-1+1")
    )
    database.execute("DELETE FROM reminders")
    return str(connection.connection_id)


@pytest.fixture
def ben(browser: ConsoleBrowser, basics: Basics) -> ConsoleBrowser:
    return signed_in(basics, browser, Role.ACCOUNTANT)


def plan(database: psycopg.Connection, last_step: int = 0) -> None:
    database.execute(_PLAN, {"phone": A_LONDON_PHONE, "last": last_step})


def downloaded(browser: ConsoleBrowser, **form: str) -> httpx.Response:
    response = browser.post(DOWNLOAD, None, csrf_token=token_in(browser.get(QUEUE)), **form)
    assert response.status_code == 200, response.text
    return response


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff")), delimiter=";"))


def test_a_row_has_the_call_with_its_times_and_what_holds_it_back(
    ben: ConsoleBrowser, database: psycopg.Connection, connection_id: str
) -> None:
    plan(database)
    response = downloaded(ben, connection=connection_id)
    assert response.headers["content-disposition"] == 'attachment; filename="queue.csv"'
    assert response.headers["cache-control"] == "no-store"
    (found,) = rows_of(response)
    assert found.pop("explanation").endswith(".")
    assert found.pop("connection")
    assert found == {
        "customer": f"'{FORMULA}",
        "phone": f"'{A_LONDON_PHONE}",
        "invoice": "'-1+1",
        "days_after_due_date": "0",
        "owed": "120.00",
        "currency": "GBP",
        "since": "2026-03-02 10:00",
        "until": "2026-03-02 18:00",
        "time_zone": "Europe/London",
        "state": found["state"],
    }


def test_the_download_is_recorded_without_personal_data(
    ben: ConsoleBrowser, database: psycopg.Connection, connection_id: str
) -> None:
    plan(database)
    downloaded(ben, connection=connection_id, reason="do_not_call")
    assert actions(database) == [("the-accountant", "download", "done", "queue of calls: do_not_call", "", "")]


def test_it_has_all_reminders_although_a_run_plans_some_again_meanwhile(
    ben: ConsoleBrowser, database: psycopg.Connection, connection_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_queue, "MOST_CHECKED", 2)
    plan(database, last_step=6)
    read_page = call_queue.page

    def page(*arguments: object, **options: object) -> call_queue.QueuePage:
        """Read a page, then let its last reminder be planned for another day."""
        found = read_page(*arguments, **options)  # type: ignore[arg-type]
        if found.goes_on_after is not None:
            database.execute(
                "UPDATE reminders SET scheduled_at = now() + interval '1 day' WHERE id = %s",
                [found.goes_on_after.reminder_id],
            )
        return found

    monkeypatch.setattr("workers.services.queue_file.call_queue.page", page)
    found = rows_of(downloaded(ben, connection=connection_id))
    assert sorted(each["days_after_due_date"] for each in found) == [str(step) for step in range(7)]


def test_it_has_the_reminders_of_one_reason(
    ben: ConsoleBrowser, database: psycopg.Connection, connection_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_queue, "MOST_CHECKED", 2)
    plan(database, last_step=4)
    database.execute("INSERT INTO booksync.do_not_call (user_id, phone) SELECT id, %s FROM users", [A_LONDON_PHONE])
    response = downloaded(ben, connection=connection_id, reason="do_not_call")
    assert response.headers["content-disposition"] == 'attachment; filename="queue-do_not_call.csv"'
    assert [each["phone"] for each in rows_of(response)] == [f"'{A_LONDON_PHONE}"]
    assert len(rows_of(downloaded(ben, reason="phone_changed"))) == 4
    assert rows_of(downloaded(ben, reason="claimable")) == []


def test_a_viewer_may_not_download(ana: ConsoleBrowser, database: psycopg.Connection, connection_id: str) -> None:
    plan(database)
    page = ana.get(f"{QUEUE}?connection={connection_id}")
    assert "Download" not in page.text
    assert ana.post(DOWNLOAD, csrf_token=token_in(page), connection=connection_id).status_code == 403
    assert actions(database) == []


def test_a_malformed_form_is_a_page_that_is_not_found(ben: ConsoleBrowser, connection_id: str) -> None:
    token = token_in(ben.get(QUEUE))
    for form in ({"reason": "x"}, {"connection": "x"}, {"connection": UNKNOWN_ID}):
        assert ben.post(DOWNLOAD, None, csrf_token=token, **form).status_code == 404, form


@pytest.mark.slow
def test_an_empty_queue_is_no_file_to_download(ben: ConsoleBrowser, connection_id: str) -> None:
    assert "Download" not in ben.get(f"{QUEUE}?connection={connection_id}").text
