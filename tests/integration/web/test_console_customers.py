"""An accountant finds a customer. Its page shows every number, its clock, its open invoices and what came of calls."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.contacts import ContactDetails
from tests.builders import a_contact, a_person
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change, row
from tests.integration.db.reminding import claim, tell_and_plan, tell_contact
from tests.integration.web.console_browser import ConsoleBrowser
from tests.integration.web.console_records import MOST_QUERIES, queries_of, search

ADA = a_person("7001", email="Ada.Byron@example.com", mobile="020 7031 3000", phone="n/a", is_primary=True)
MARY = a_person("7002", first_name="Mary", last_name="Somerville", email="", phone="+44 7912 345678")


def tell(engine: Engine, connection: Connection) -> None:
    contact = a_contact(
        name="Analytical Engines/Northern-Works Ltd",
        persons=(ADA, MARY),
        details=ContactDetails(country_code="GB", reminders_enabled=True),
    )
    tell_and_plan(engine, connection, contact=contact)


def customer_id(engine: Engine, zoho_id: str = "5001") -> uuid.UUID:
    found = row(engine, "SELECT id FROM booksync.customers_cache WHERE zoho_customer_id = :id", id=zoho_id)
    return uuid.UUID(str(found["id"]))


def opened(browser: ConsoleBrowser, engine: Engine) -> str:
    response = browser.get(f"/customers/{customer_id(engine)}")
    assert response.status_code == 200, response.text
    return response.text


@pytest.mark.slow
def test_a_customer_is_found_by_words_numbers_and_addresses(
    ana: ConsoleBrowser, engine: Engine, connection: Connection, subtests: pytest.Subtests
) -> None:
    tell(engine, connection)
    address = f"./customers/{customer_id(engine)}"
    for words in (
        "analytical",
        "ENGINES north",
        "works",
        "ada.byron@",
        "ADA.BYRON@EXAMPLE.COM",
        "020 7031 3000",
        "+44 (0)20 7031-3000",
        "703 1300 0",
    ):
        with subtests.test(words):
            response = search(ana, words, "/customers")
            assert (response.status_code, response.headers.get("location")) == (303, address)
    for words in ("nalytical", "engines southern", "byron@", "a%@", "7031 3001", "' | 'x':*", "&!|()<->", "\\"):
        with subtests.test(words):
            assert "Nothing is found" in search(ana, words, "/customers").text


def test_a_search_of_one_connection_finds_its_records_only(
    ana: ConsoleBrowser, engine: Engine, connection: Connection, subtests: pytest.Subtests
) -> None:
    tell(engine, connection)
    other = a_connection(engine)
    token = ana.token("/customers")
    for words in ("analytical", "ada.byron@", "020 7031 3000", "INV-1"):
        with subtests.test(words):
            page = ana.post("/customers", csrf_token=token, search=words, connection=str(other.connection_id)).text
            assert "Nothing is found" in page
            assert f'value="{other.connection_id}" selected' in page
    found = ana.post("/customers", csrf_token=token, search="analytical", connection=str(connection.connection_id))
    assert found.headers["location"] == f"./customers/{customer_id(engine)}"
    assert ana.post("/customers", csrf_token=token, search="analytical", connection="x").status_code == 404


@pytest.mark.slow
def test_customers_are_listed_by_name_page_by_page(ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
    for number in range(120):
        tell_contact(engine, connection, a_contact(f"{6000 + number}", name=f"Customer {number:03}"))
    names, address = [], "/customers"
    while address:
        page = ana.get(address).text
        names += [part.partition("<")[0] for part in page.split('<bdi class="name">Customer ')[1:]]
        more = page.partition('" rel="next"')[0].rpartition('href="')[2] if 'rel="next"' in page else ""
        address = more.replace("./", "/", 1).replace("&amp;", "&")
    assert names == [f"{number:03}" for number in range(120)]


def test_the_list_is_about_one_connection(ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
    tell(engine, connection)
    other = a_connection(engine)
    assert "Choose" not in (page := ana.get("/customers").text)
    assert "Analytical" not in page
    assert "Analytical" in ana.get(f"/customers?connection={connection.connection_id}").text
    assert "No customer is cached yet" in ana.get(f"/customers?connection={other.connection_id}").text


def test_a_customer_shows_every_number_with_its_verdict_and_its_clock(
    ana: ConsoleBrowser, engine: Engine, connection: Connection
) -> None:
    tell(engine, connection)
    page = opened(ana, engine)
    for shown in (
        "● Used.</span> It can be dialled.",
        "+442070313000",
        "Not tried, because an earlier number is used.",
        "Mary Somerville",
        "Mon, Tue, Wed, Thu, Fri, 09:00 to 18:00",
        "Europe/London",
        "Nothing about the customer is against a reminder.",
        "INV-8001",
        "https://books.zoho.eu/app/10234695#/contacts/5001",
        "No reminder was handed over yet.",
    ):
        assert shown in page
    assert "<title>Customer</title>" in page


def test_a_customer_shows_what_is_against_it_and_what_came_of_calls(
    ana: ConsoleBrowser, engine: Engine, connection: Connection
) -> None:
    tell(engine, connection)
    (claimed,) = claim(engine)
    change(
        engine,
        "SELECT booksync.report_outcome(:id, 'promised', NULL, :until, 'after <b>payday')",
        id=claimed.handover_id,
        until=dt.date(2026, 4, 20),
    )
    change(
        engine,
        "INSERT INTO booksync.do_not_call (user_id, phone, note) VALUES (:user, '+442070313000', 'asked by letter')",
        user=connection.user_id,
    )
    change(
        engine,
        "INSERT INTO booksync.phone_confirmations (customer_id, phone_text, phone, note)"
        " VALUES (:id, '020 7031 3000', '+442070313000', 'rang')",
        id=customer_id(engine),
    )
    page = opened(ana, engine)
    for shown in (
        "The number is on the do-not-call list.",
        "asked by letter",
        "promised until 2026-04-20",
        "after &lt;b&gt;payday",
        "A person has confirmed it.",
        "rang",
    ):
        assert shown in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202eskooB", "N" * 500])
def test_a_hostile_name_stays_a_name(ana: ConsoleBrowser, engine: Engine, connection: Connection, name: str) -> None:
    tell_contact(engine, connection, a_contact(name=name))
    for page in (opened(ana, engine), ana.get("/customers").text):
        assert "<script>alert" not in page
        assert name.replace("<", "&lt;").replace(">", "&gt;") in page


def test_an_address_without_a_customer_is_a_page(ana: ConsoleBrowser, subtests: pytest.Subtests) -> None:
    nobody = uuid.UUID(int=7)
    for path in (
        "/customers/5001",
        "/customers/%00",
        f"/customers/{nobody}",
        "/customers?connection=x",
        f"/customers?connection={nobody}",
        "/customers?after='",
    ):
        with subtests.test(path):
            response = ana.get(path)
            assert response.status_code == 404
            assert "No such" in response.text


def test_the_pages_make_few_queries(ana: ConsoleBrowser, engine: Engine, connection: Connection) -> None:
    tell(engine, connection)
    # The facts of the plan are read in one pipeline, which is a round trip too.
    path = f"/customers/{customer_id(engine)}"
    assert queries_of(lambda: ana.get(path)) + 1 <= MOST_QUERIES
    assert queries_of(lambda: ana.get("/customers")) <= MOST_QUERIES
    assert queries_of(lambda: search(ana, "nobody")) <= 2 * MOST_QUERIES, "the form's page and the results"
