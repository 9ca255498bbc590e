"""The reminder rules and the handover of a connection in the console: previewed before they are applied."""

import asyncio
import uuid

import httpx
import pytest

from tests.integration.web.connection_pages import (
    Database,
    act,
    actions,
    connected,
    fields_of,
    flash_in,
    followed,
    invoice,
)
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.web.console import policy


@pytest.fixture
def page(runner: asyncio.Runner, database: Database) -> str:
    address = connected(database)
    database.execute(
        "UPDATE booksync.customers_cache SET status = 'active', time_zones = '{Europe/London}', country_code = 'GB',"
        " time_zone = 'Europe/London', phone_verdict = '{\"kind\": \"mobile\"}'"
    )
    for number in ("7001", "7002"):
        invoice(database, number)
    return address


def _preview(browser: ConsoleBrowser, page: str, **changes: str) -> httpx.Response:
    fields = fields_of(browser.get(f"{page}/policy").text) | changes
    response = browser.post(f"{page}/policy/preview", None, **fields)
    if response.status_code != 303:
        return response
    return browser.get(f"{page}/policy/{response.headers['location']}")


class TestThePolicy:
    def test_the_unchanged_form_changes_no_rule(self, olga: ConsoleBrowser, page: str) -> None:
        response = _preview(olga, page)
        assert response.status_code == 200
        assert "No rule differs" in response.text
        assert "Apply the rules" not in response.text

    def test_a_change_is_previewed_and_applied(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        response = _preview(olga, page, steps="2, 9", minimum_balances="EUR=5\n*=1")
        text = " ".join(response.text.split())
        assert "<td>steps</td><td>-3, 0, 3, 7, 14, 30</td><td><strong>2, 9</strong></td>" in text
        assert "Open invoices<br><strong>2</strong>" in text
        assert "With other reminders<br><strong>2</strong>" in text
        assert database.execute("SELECT count(*) FROM booksync.reminder_policies").fetchone() == (0,)

        applied = olga.post(f"{page}/policy", None, **(fields_of(response.text) | {"note": "as agreed"}))
        after = olga.get(followed(f"{page}/policy", applied))
        assert "The rules are changed. Invoices planned again: 2." in flash_in(after)
        stored = database.execute("SELECT rules FROM booksync.reminder_policies").fetchone()
        assert stored is not None
        assert (stored[0]["steps"], stored[0]["minimum_balances"]) == ([2, 9], {"EUR": "5", "*": "1"})
        assert actions(database) == [("olga", "change policy", "done")]

    def test_rules_that_contradict_each_other_come_back_with_the_reason(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        response = _preview(olga, page, steps="9, 2", held_sub_statuses='"><script>alert(1)</script>')
        assert response.status_code == 400
        assert "The steps must ascend" in response.text
        assert 'value="9, 2"' in response.text
        assert "<script>alert" not in response.text
        assert actions(database) == []

    @pytest.mark.parametrize(
        "changes",
        [{"usual_time": "noon"}, {"contacts_a_day": "many"}, {"minimum_balances": "EUR"}, {"zones": "AU=Atlantis/X"}],
    )
    def test_a_rule_that_cannot_be_read_is_refused(
        self, olga: ConsoleBrowser, page: str, changes: dict[str, str]
    ) -> None:
        assert _preview(olga, page, **changes).status_code == 400

    def test_rules_that_changed_since_the_preview_are_not_overwritten(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        first, second = _preview(olga, page, steps="2"), _preview(olga, page, steps="9")
        olga.post(f"{page}/policy", None, **fields_of(first.text))
        olga.post(f"{page}/policy", None, **fields_of(second.text))
        assert "The rules were changed in the meantime" in flash_in(olga.get(page))
        assert database.execute("SELECT rules -> 'steps' FROM booksync.reminder_policies").fetchone() == ([2],)

    def test_a_viewer_sees_the_rules_and_changes_none(self, ana: ConsoleBrowser, page: str) -> None:
        response = ana.get(f"{page}/policy")
        assert response.status_code == 200
        assert "Preview the change" not in response.text
        token = token_in(response)
        for action in ("policy", "policy/preview", "policy/edit", "handover"):
            assert ana.post(f"{page}/{action}", csrf_token=token).status_code == 403

    def test_a_preview_is_of_its_own_connection_and_of_the_last_hour(
        self, olga: ConsoleBrowser, page: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        response = olga.post(f"{page}/policy/preview", None, **fields_of(olga.get(f"{page}/policy").text))
        draft = response.headers["location"].removeprefix("preview")
        assert olga.get(f"{page}/policy/preview{draft}").status_code == 200
        for altered in ("", "?draft=x", draft[:-2], draft.replace("draft=g", "draft=h")):
            refused = olga.get(f"{page}/policy/preview{altered}")
            assert refused.status_code == 303
            assert "is older than an hour" in flash_in(olga.get(page))
        unknown = f"/connections/{uuid.uuid4()}/policy/preview"
        assert olga.get(f"{unknown}{draft}").status_code == 404
        monkeypatch.setattr(policy, "_LONGEST_DRAFT", 100)
        too_long = _preview(olga, page, steps="2")
        assert too_long.status_code == 400
        assert "too long for a preview" in too_long.text


class TestTheHandover:
    def test_the_calls_are_previewed_before_it_is_opened(
        self, olga: ConsoleBrowser, database: Database, page: str
    ) -> None:
        response = olga.get(f"{page}/handover?backlog=latest")
        text = " ".join(response.text.split())
        assert '<strong>Open invoices</strong></td><td class="number"><strong>2</strong>' in text
        assert 'name="backlog" value="latest"' in text
        assert database.execute("SELECT handover FROM booksync.zoho_connections").fetchone() == ("closed",)

        opened = act(olga, page, "handover", backlog="latest")
        assert "Handover is open. Invoices planned again: 2." in flash_in(opened)
        state = database.execute("SELECT handover, handover_backlog FROM booksync.zoho_connections").fetchone()
        assert state == ("open", "latest")
        assert actions(database) == [("olga", "open handover", "done")]
        assert "Open the handover" not in olga.get(f"{page}/handover").text

    def test_a_paused_connection_is_not_opened(self, olga: ConsoleBrowser, database: Database, page: str) -> None:
        database.execute("UPDATE booksync.zoho_connections SET status = 'paused', paused_at = now()")
        assert "It is paused" in flash_in(act(olga, page, "handover", backlog="none"))
