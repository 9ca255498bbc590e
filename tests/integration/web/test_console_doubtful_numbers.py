"""The console's page of doubtful numbers: each list with its reasons, until a number is confirmed."""

import asyncio
import re
from dataclasses import replace

import pytest

from db import clock, reminder_policies
from domain.contacts import Contact
from domain.reminders.policy import ReminderPolicy
from tests.builders import A_BRITISH_MOBILE, A_LONDON_PHONE, a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import tell_contact
from tests.integration.web.calling import (
    FAX,
    HOSTILE_NAMES,
    NATIONAL,
    REFUSED,
    a_connection_with,
    are_not_found,
    sent_statements,
    stays_text,
    texts_of,
)
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics

PATH = "/calls/numbers"
SHARED = f"{PATH}?list=shared"


def sharing(number: int) -> list[Contact]:
    """Customers of different names with one number."""
    return [a_contact(str(5100 + n), name=f"Sharer {n}", mobile=A_BRITISH_MOBILE) for n in range(number)]


class TestTheList:
    def test_an_empty_installation_says_how_to_begin(self, ana: ConsoleBrowser) -> None:
        assert "No connection exists yet. Next: <code>booksync connect</code>" in ana.get(PATH).text

    def test_a_number_is_listed_with_its_text_its_reasons_and_what_is_owed(
        self, basics: Basics, ana: ConsoleBrowser
    ) -> None:
        a_connection_with(
            basics.engine,
            a_contact(mobile=FAX),
            an_invoice(),
            a_contact("5002", name="Well & Sons", mobile=A_LONDON_PHONE),
        )
        page = texts_of(ana.get(PATH).text)
        for shown in ("Analytical Engines", FAX, A_LONDON_PHONE, "The text calls it a fax number.", "120.00 GBP"):
            assert shown in page
        assert "Well & Sons" not in page

    def test_a_viewer_sees_no_action(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(basics.engine, a_contact(mobile=FAX))
        page = ana.get(PATH).text
        assert FAX in page
        assert "Confirm" not in page.replace("Confirmed", "")
        assert '<form method="post" action="../calls' not in page

    def test_numbers_of_an_assumed_country_have_a_list_of_their_own(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(basics.engine, a_contact(mobile=NATIONAL))
        assert NATIONAL not in ana.get(PATH).text
        page = texts_of(ana.get(f"{PATH}?list=assumed").text)
        assert NATIONAL in page
        assert "It was judged as a number of the United Kingdom" in page

    def test_numbers_that_many_customers_share_have_a_list_of_their_own(
        self, basics: Basics, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        connection = a_connection_with(
            basics.engine, *sharing(3), a_contact("5900", name="Alone", mobile=A_LONDON_PHONE)
        )
        with subtests.test("by the default policy"):
            assert "No number needs a check here." in ana.get(SHARED).text
        with basics.engine.begin() as db:
            reminder_policies.save(
                db,
                connection.connection_id,
                replace(ReminderPolicy(), shared_number_customers=3),
                now=clock.present(db),
            )
        with subtests.test("by a stricter policy"):
            page = texts_of(ana.get(SHARED).text)
            for shown in ("Sharer 0", "Sharer 1", "Sharer 2", "Customers of 3 different names have it."):
                assert shown in page
            assert "Alone" not in page
        with subtests.test("of one connection"):
            assert "Sharer 0" in ana.get(f"{SHARED}&connection={connection.connection_id}").text

    def test_customers_of_one_name_do_not_share_a_number(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(
            basics.engine, *(a_contact(str(5100 + n), name="One & Co", mobile=A_BRITISH_MOBILE) for n in range(12))
        )
        assert "No number needs a check here." in ana.get(SHARED).text

    def test_a_number_that_is_confirmed_leaves_the_list_of_shared_ones(
        self, basics: Basics, accountant: ConsoleBrowser
    ) -> None:
        connection = a_connection_with(basics.engine, *sharing(10))
        accountant.post(
            f"{PATH}/confirm",
            csrf_token=token_in(accountant.get(SHARED)),
            connection_id=str(connection.connection_id),
            list="shared",
            customer_id="5100",
            phone_text=A_BRITISH_MOBILE,
            read_as=A_BRITISH_MOBILE,
            note="Ada",
        )
        page = texts_of(accountant.get(SHARED).text)
        assert "is confirmed" in page
        assert "Sharer 1" in page
        assert page.count("Sharer 0") == 1  # in the message only

    def test_a_filter_leaves_the_numbers_of_one_connection(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(basics.engine, a_contact(name="First Ltd", mobile=FAX))
        second = a_connection_with(basics.engine, a_contact("5002", name="Second Ltd", mobile=FAX))
        assert "First Ltd" in ana.get(PATH).text
        page = ana.get(f"{PATH}?connection={second.connection_id}").text
        assert "Second Ltd" in page
        assert "First Ltd" not in page

    @pytest.mark.parametrize("which", ["objection", "shared", "assumed"])
    @pytest.mark.parametrize("is_filtered", [False, True])
    def test_a_long_list_has_pages(self, basics: Basics, ana: ConsoleBrowser, which: str, is_filtered: bool) -> None:
        text = {"objection": REFUSED, "shared": A_BRITISH_MOBILE, "assumed": NATIONAL}[which]
        connection = a_connection_with(
            basics.engine, *(a_contact(str(5000 + n), name=f"No {n}.", mobile=text) for n in range(60))
        )
        page = ana.get(f"{PATH}?list={which}" + (f"&connection={connection.connection_id}" if is_filtered else "")).text
        (more,) = (line.split('"')[1] for line in page.splitlines() if "More rows" in line)
        rest = ana.get("/" + more.removeprefix("../").replace("&amp;", "&")).text
        assert "More rows" not in rest
        shown = [set(re.findall(r"No \d+\.", each)) for each in (page, rest)]
        assert (len(shown[0]), len(shown[1]), len(shown[0] | shown[1])) == (50, 10, 60)

    def test_a_malformed_address_is_a_page_that_is_not_found(
        self, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        are_not_found(ana, subtests, PATH, "after=1", "after=%00", "list=x")

    def test_hostile_names_and_texts_stay_texts(
        self, basics: Basics, ana: ConsoleBrowser, subtests: pytest.Subtests
    ) -> None:
        connection = a_connection(basics.engine)
        for name in HOSTILE_NAMES:
            with subtests.test(name[:20]):
                tell_contact(basics.engine, connection, a_contact(name=name, mobile=name, modified_at=None))
                stays_text(ana, PATH, name)

    def test_a_page_sends_six_statements_at_most(self, basics: Basics, ana: ConsoleBrowser) -> None:
        a_connection_with(basics.engine, a_contact(mobile=FAX))
        with sent_statements() as sent:
            assert ana.get(PATH).status_code == 200
        assert len(sent) <= 6

    def test_it_cannot_be_read_without_a_sign_in(self, runner: asyncio.Runner) -> None:
        assert ConsoleBrowser(runner).get(PATH).status_code == 303
