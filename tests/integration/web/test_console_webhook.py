"""The webhook of a connection in the console: its secret, its rotation, and a trial webhook."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.integration.web.connection_pages import SECRET, Database, act, actions, connected, flash_in
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.webhooks.signatures import is_authentic


@pytest.fixture
def page(runner: asyncio.Runner, database: Database) -> str:
    return connected(database)


class _Receiver(HTTPServer):
    """An address that stands for the way to the web process, and what has come to it."""

    status = 202
    bodies: list[bytes]
    are_authentic: list[bool]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, _Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.bodies.append(body)
        receiver.are_authentic.append(is_authentic(SECRET, headers, (), body))
        self.send_response(receiver.status)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def _listening() -> Iterator[_Receiver]:
    receiver = _Receiver(("127.0.0.1", 0), _Handler)
    receiver.bodies, receiver.are_authentic = [], []
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Receiver]:
    """What listens at PUBLIC_URL; it is asked for before the web process reads its settings."""
    with _listening() as listening:
        monkeypatch.setenv("PUBLIC_URL", f"http://127.0.0.1:{listening.server_port}")
        yield listening


class TestTheSecret:
    def test_the_response_to_the_button_shows_it_once(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        before = olga.get(page)
        shown = olga.post(f"{page}/webhook/secret", csrf_token=token_in(before))
        assert shown.status_code == 200
        assert shown.headers["Cache-Control"] == "no-store"
        assert f"<code>{SECRET}</code>" in shown.text
        assert "X-Booksync-Secret" in shown.text
        assert SECRET not in olga.get(page).text
        assert olga.get(f"{page}/webhook/secret").status_code == 405
        assert actions(database) == [("olga", "show webhook secret", "done")]

    def test_a_rotation_shows_the_new_one_and_keeps_the_former_until_its_end(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        rotated = olga.post(f"{page}/webhook/rotate", csrf_token=token_in(olga.get(page)))
        assert "This is the new secret" in rotated.text
        assert f"<code>{SECRET}</code> until" in rotated.text
        again = olga.post(f"{page}/webhook/rotate", csrf_token=token_in(olga.get(page)))
        assert again.status_code == 303
        assert "A rotation is under way" in flash_in(olga.get(page))
        assert "The former secret is not accepted any more" in flash_in(act(olga, page, "webhook/end-rotation"))
        assert [state for _, _, state in actions(database)] == ["done", "refused", "done"]

    def test_a_viewer_does_not_get_it(self, ana: ConsoleBrowser, page: str) -> None:
        token = token_in(ana.get(page))
        for action in ("secret", "rotate", "end-rotation", "test"):
            response = ana.post(f"{page}/webhook/{action}", csrf_token=token)
            assert (response.status_code, SECRET in response.text) == (403, False)

    def test_a_disconnected_connection_has_none(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        token = token_in(olga.get(page))
        database.execute(
            "UPDATE booksync.zoho_connections SET status = 'disconnected', webhook_secret_encrypted = NULL"
        )
        assert olga.post(f"{page}/webhook/secret", csrf_token=token).status_code == 303
        assert "It is disconnected" in flash_in(olga.get(page))


class TestHealth:
    def test_the_page_says_when_and_why_webhooks_were_refused(
        self, ana: ConsoleBrowser, database: Database, page: str
    ) -> None:
        database.execute(
            "UPDATE booksync.zoho_connections SET webhooks_refused = 7,"
            " webhooks_refused_since = now() - interval '3 h', webhooks_refused_last_at = now() - interval '5 min'"
        )
        text = " ".join(ana.get(page).text.split())
        assert "5 min ago</time>, because the secret did not match (7 since" in text

    def test_events_and_refusals_of_the_last_day_are_charts_with_their_values(
        self, ana: ConsoleBrowser, database: Database, page: str
    ) -> None:
        assert "Webhooks of the last 24 hours" in ana.get(page).text
        database.execute("DELETE FROM booksync.webhook_events")
        assert "Webhooks of the last 24 hours" not in ana.get(page).text
        database.execute(
            "INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind, received_at)"
            " SELECT id, 'contact', '5001', number, kind, now() - since FROM booksync.zoho_connections, (VALUES"
            " (1, 'changed', interval '0'), (2, 'deleted', '0'), (3, 'wanted', '0'), (4, 'changed', '25 h'))"
            " AS told (number, kind, since)"
        )
        database.execute(
            "UPDATE booksync.zoho_connections SET webhooks_refused_by_hour ="
            " jsonb_build_object(floor(extract(epoch FROM now()) / 3600)::bigint, 12)"
        )
        text = " ".join(ana.get(page).text.split())
        assert 'aria-label="Events accepted by hour. At most 2 events (' in text
        assert 'aria-label="Webhooks refused by hour. At most 12 webhooks (' in text
        assert '<td class="number">12 webhooks</td>' in text

    def test_an_event_of_its_own_is_no_accepted_webhook(
        self, ana: ConsoleBrowser, database: Database, page: str
    ) -> None:
        database.execute("UPDATE booksync.webhook_events SET kind = 'orphaned'")
        text = " ".join(ana.get(page).text.split())
        assert "<dt>Last accepted</dt><dd>never</dd>" in text


class TestATrial:
    @pytest.fixture(autouse=True)
    def _public_address(self, receiver: _Receiver) -> None:
        """Has the receiver listen before the web process reads its address."""

    def test_it_posts_a_signed_event_about_a_cached_customer(
        self, olga: ConsoleBrowser, receiver: _Receiver, page: str
    ) -> None:
        assert "an event about contact 5001" in flash_in(act(olga, page, "webhook/test"))
        assert receiver.bodies == [b'{"contact":{"contact_id":"5001"}}']
        assert receiver.are_authentic == [True]

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [(401, "refused the signature"), (404, "responded with status 404"), (302, "responded with status 302")],
    )
    def test_another_response_is_a_failure(
        self, olga: ConsoleBrowser, receiver: _Receiver, database: Database, page: str, status: int, sentence: str
    ) -> None:
        receiver.status = status
        assert sentence in flash_in(act(olga, page, "webhook/test"))
        assert actions(database) == [("olga", "test webhook", "refused")]


def test_without_a_public_address_the_trial_is_not_offered(olga: ConsoleBrowser, page: str) -> None:
    assert "PUBLIC_URL is not set" in flash_in(act(olga, page, "webhook/test"))
