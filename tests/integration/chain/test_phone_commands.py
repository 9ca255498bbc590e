"""`booksync phones audit` and `confirm`: their output, their changes, and the import of an edited file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.entities import CUSTOMER
from domain.printable import printable
from sandbox.zoho.commands import PersonFields
from tests.integration.chain.bench import Bench, Row
from tests.integration.chain.checking import a_night_passes, check, come_first
from tests.integration.chain.test_reminder_commands import asked, run
from tests.integration.snapshots import SYNCED, State
from workers.services.verify import Verification

NUMBER = "+442070313000"
BOB = "Bob & Söhne"
REFUSED = "ask Bob"
FORMULA = "=1+1"


def cache_bob(bench: Bench) -> None:
    contact_id = bench.zoho.create_contact(contact_name=BOB, persons=[PersonFields(mobile=REFUSED)])
    bench.zoho.create_invoice(contact_id)
    bench.sync()


WITH_BOB = State(cache_bob, after=SYNCED)


@pytest.fixture
def synced_state() -> State:
    return WITH_BOB


@pytest.fixture
def bob(synced: Bench) -> Row:
    """A synced customer with a text instead of a phone number."""
    return next(row for row in synced.customers().values() if row["customer_name"] == BOB)


@pytest.fixture
def connection_id(synced: Bench) -> str:
    return str(synced.connection_id)


def phone(bench: Bench, customer_id: str) -> tuple[str, str | None]:
    customer = bench.customers()[customer_id]
    return customer["primary_phone"], customer["phone_problem"]


def audited(connection_id: str, customer_id: str) -> dict[str, Any]:
    """The customer's part of the audit; empty if the audit does not list the customer."""
    customers = [each for number in asked("phones", "audit", connection_id)["numbers"] for each in number["customers"]]
    return next((each for each in customers if each["customer_id"] == customer_id), {})


def sheet(connection_id: str, *options: str) -> list[dict[str, str]]:
    written = run("phones", "audit", connection_id, *(options or ("--csv",))).stdout_bytes.decode("utf-8-sig")
    delimiter = ";" if "--excel" in options else ","
    return list(csv.DictReader(io.StringIO(written, newline=""), delimiter=delimiter))


def edited(path: Path, rows: Sequence[dict[str, str]], *, delimiter: str = ",") -> str:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


class TestAudit:
    @pytest.mark.slow
    def test_a_rejected_text_is_listed_with_its_debt(self, synced: Bench, bob: Row, connection_id: str) -> None:
        found = audited(connection_id, bob["zoho_customer_id"])
        balances = synced.rows(
            "SELECT currency_code, balance FROM invoices_cache WHERE customer_id = %(id)s", id=bob["id"]
        )
        assert (found["phone_text"], found["reasons"]) == (REFUSED, ["not_a_number"])
        assert found["owed"] == {each["currency_code"]: f"{each['balance']:f}" for each in balances}

    @pytest.mark.usefixtures("bob")
    def test_the_totals_count_each_customer_once(self, connection_id: str) -> None:
        told = asked("phones", "audit", connection_id)
        listed = [each["customer_id"] for number in told["numbers"] for each in number["customers"]]
        assert len(listed) == len(set(listed)) == told["customers"]
        assert sum(total["customers"] for total in told["reasons"]) == told["customers"]

    @pytest.mark.usefixtures("bob")
    def test_people_see_one_screen_the_totals_and_the_next_step(self, connection_id: str) -> None:
        result = run("phones", "audit", connection_id, "--all")
        assert result.exit_code == 0
        for words in (
            REFUSED,
            BOB,
            "not_a_number",
            "Next: correct the numbers in Zoho, ",
            "confirm one: booksync phones",
        ):
            assert words in result.output
        assert "--all" in run("phones", "audit", connection_id).output

    @pytest.mark.usefixtures("bob")
    def test_one_reason_can_be_listed_alone(self, connection_id: str) -> None:
        told = asked("phones", "audit", connection_id, "--reason", "not_a_number")
        assert {name for number in told["numbers"] for each in number["customers"] for name in each["reasons"]} == {
            "not_a_number"
        }

    def test_an_unknown_reason_is_refused(self, connection_id: str) -> None:
        result = run("phones", "audit", connection_id, "--reason", "faxx")
        assert (result.exit_code, "no reason has this name" in result.output) == (2, True)

    @pytest.mark.parametrize("option", ["--csv", "--excel"])
    def test_the_file_has_one_row_per_customer(self, bob: Row, connection_id: str, option: str) -> None:
        rows = sheet(connection_id, option)
        (row,) = [row for row in rows if row["customer_id"] == f"'{bob['zoho_customer_id']}"]
        assert (row["customer"], row["phone_text"], row["reason"]) == (BOB, REFUSED, "not_a_number")
        assert (row["confirmed"], row["note"]) == ("", "")
        assert len(rows) == asked("phones", "audit", connection_id)["customers"]

    def test_no_cell_is_a_formula(self, synced: Bench, connection_id: str) -> None:
        synced.zoho.create_contact(contact_name=FORMULA, persons=[PersonFields(mobile="+44 20 7031 3000 XX")])
        synced.sync()
        (row,) = [row for row in sheet(connection_id) if row["customer"] == f"'{FORMULA}"]
        assert row["phone_text"] == "'+44 20 7031 3000 XX"
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in sheet(connection_id) for cell in row.values())

    def test_texts_of_zoho_are_inactive_in_a_spreadsheet_and_a_terminal(
        self, synced: Bench, connection_id: str
    ) -> None:
        name, text = "\x1b[2JBob\nBob", "\u202d+44 20 7031 3000\u202c XX"
        synced.zoho.create_contact(contact_name=name, persons=[PersonFields(mobile=text)])
        synced.sync()
        synced.rows("UPDATE invoices_cache SET currency_code = '=1+1' RETURNING id")
        rows = sheet(connection_id)
        cells = [cell for row in rows for cell in row.values()]
        assert [cell for cell in cells if printable(cell) != cell or cell.startswith(("=", "+", "@"))] == []
        assert "'=1+1" in cells
        assert "'\\u202d+44 20 7031 3000\\u202c XX" in cells

    def test_only_the_owner_may_read_the_file(self, connection_id: str, tmp_path: Path) -> None:
        path = tmp_path / "numbers.csv"
        path.touch(0o644)
        assert run("phones", "audit", connection_id, "--output", str(path)).stdout == ""
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes() == run("phones", "audit", connection_id, "--csv").stdout_bytes

    def test_a_file_that_cannot_be_written_is_named(self, connection_id: str, tmp_path: Path) -> None:
        result = run("phones", "audit", connection_id, "--output", str(tmp_path / "none" / "numbers.csv"))
        assert (result.exit_code, "cannot be written: No such file" in result.output) == (2, True)


class TestConfirm:
    def test_a_confirmed_customer_is_reachable_at_once(self, synced: Bench, bob: Row, connection_id: str) -> None:
        customer_id = bob["zoho_customer_id"]
        told = asked("phones", "confirm", connection_id, customer_id, "--note", "Ada", "--number", NUMBER)
        assert phone(synced, customer_id) == (NUMBER, None)
        (changed,) = told["confirmed"]
        assert (changed["before"]["problem"], changed["after"]["is_confirmed"]) == ("not_a_number", True)
        assert audited(connection_id, customer_id) == {}

    def test_people_read_what_changed_and_the_next_step(self, bob: Row, connection_id: str) -> None:
        result = run("phones", "confirm", connection_id, bob["zoho_customer_id"], "--note", "Ada", "--number", NUMBER)
        assert f'"{REFUSED}" is confirmed as {NUMBER}. Before: The text is not a phone number.' in result.output
        assert f"Next: booksync phones audit {connection_id}" in result.output

    def test_a_dry_run_changes_nothing(self, synced: Bench, bob: Row, connection_id: str) -> None:
        customer_id = bob["zoho_customer_id"]
        told = asked("phones", "confirm", connection_id, customer_id, "--note", "A", "--number", NUMBER, "--dry-run")
        assert (told["dry_run"], told["confirmed"][0]["after"]["phone"]) == (True, NUMBER)
        assert phone(synced, customer_id) == (REFUSED, "not_a_number")

    def test_a_confirmation_can_be_withdrawn(self, synced: Bench, bob: Row, connection_id: str) -> None:
        customer_id = bob["zoho_customer_id"]
        asked("phones", "confirm", connection_id, customer_id, "--note", "Ada", "--number", NUMBER)
        assert len(asked("phones", "confirm", connection_id, customer_id, "--withdraw")["withdrawn"]) == 1
        assert phone(synced, customer_id) == (REFUSED, "not_a_number")
        assert asked("phones", "confirm", connection_id, customer_id, "--withdraw")["withdrawn"] == []

    def test_an_unreadable_text_is_confirmed_only_with_a_number(self, bob: Row, connection_id: str) -> None:
        result = run("phones", "confirm", connection_id, bob["zoho_customer_id"], "--note", "Ada", "--json")
        assert result.exit_code == 1
        assert "--number" in json.loads(result.stdout.splitlines()[-1])["error"]

    @pytest.mark.parametrize(
        "words",
        [
            [],  # neither a customer nor a file
            ["5001"],  # no note
            ["5001", "--note", " "],
            ["5001", "--note", "x", "--number", "2070313000"],  # no prefix
            ["5001", "--csv", "x.csv"],
            ["--csv", "x.csv", "--note", "x"],
            ["5001", "--withdraw", "--number", NUMBER],
        ],
    )
    def test_wrong_usage_is_refused(self, connection_id: str, words: list[str]) -> None:
        assert run("phones", "confirm", connection_id, *words).exit_code == 2

    def test_verify_and_explain_accept_a_confirmation(self, synced: Bench, bob: Row, connection_id: str) -> None:
        asked("phones", "confirm", connection_id, bob["zoho_customer_id"], "--note", "Ada", "--number", NUMBER)
        assert Verification(synced.resources, synced.connection_id).run().compared[CUSTOMER].drift.count == 0
        (invoice,) = synced.rows("SELECT id FROM invoices_cache WHERE customer_id = %(id)s", id=bob["id"])
        (told,) = asked("explain", str(invoice["id"]))["phones"]
        assert (told["e164"], told["problem"], told["is_chosen"]) == (NUMBER, None, True)
        assert (told["is_confirmed"], told["verdict"]) == (True, "A person has confirmed it.")

    @pytest.mark.slow
    def test_the_truth_check_finds_no_difference_after_a_confirmation(
        self, synced: Bench, bob: Row, connection_id: str
    ) -> None:
        customer_id = bob["zoho_customer_id"]
        asked("phones", "confirm", connection_id, customer_id, "--note", "Ada", "--number", NUMBER)
        a_night_passes(synced)
        come_first(synced, "booksync.customers_cache", [customer_id])
        assert check(synced)["drifted"] == {}
        assert phone(synced, customer_id) == (NUMBER, None)


class TestFile:
    @pytest.mark.parametrize("option", ["--csv", "--excel"])
    def test_edited_rows_are_confirmed(
        self, synced: Bench, bob: Row, connection_id: str, option: str, tmp_path: Path
    ) -> None:
        rows = sheet(connection_id, option)
        valid = next(row for row in rows if row["number"] and row["number"] != f"'{NUMBER}")
        for row in rows:
            if row["customer_id"] == f"'{bob['zoho_customer_id']}":
                row |= {"confirmed": NUMBER, "note": "Ada"}
        valid |= {"confirmed": "Ja", "note": "Ada"}
        path = edited(tmp_path / "edited.csv", rows, delimiter=";" if option == "--excel" else ",")
        told = asked("phones", "confirm", connection_id, "--csv", path)
        assert len(told["confirmed"]) == 2
        assert phone(synced, bob["zoho_customer_id"]) == (NUMBER, None)
        assert audited(connection_id, valid["customer_id"][1:]) == {}

    def test_every_error_is_listed_and_nothing_is_confirmed(
        self, synced: Bench, bob: Row, connection_id: str, tmp_path: Path
    ) -> None:
        (row,) = [row for row in sheet(connection_id) if row["customer"] == BOB]
        rows = [
            row | {"confirmed": NUMBER, "note": "Ada"},
            row | {"confirmed": NUMBER, "note": ""},
            row | {"confirmed": NUMBER, "note": "Ada", "phone_text": "ask Eve"},
            row | {"confirmed": "2070313000", "note": "Ada"},
            row | {"confirmed": "yes", "note": "Ada", "customer_id": "4.6E+17"},
            row | {"confirmed": "no"},
        ]
        result = run("phones", "confirm", connection_id, "--csv", edited(tmp_path / "edited.csv", rows), "--json")
        assert result.exit_code == 1
        told = json.loads(result.stdout.splitlines()[-1])
        assert [problem["line"] for problem in told["problems"]] == [3, 4, 5, 6]
        assert "line 4: customer Bob & Söhne" in result.output
        assert "Nothing was confirmed." in result.output
        assert phone(synced, bob["zoho_customer_id"]) == (REFUSED, "not_a_number")

    @pytest.mark.usefixtures("bob")
    def test_a_file_without_confirmations_changes_nothing(self, connection_id: str, tmp_path: Path) -> None:
        path = edited(tmp_path / "edited.csv", sheet(connection_id))
        assert asked("phones", "confirm", connection_id, "--csv", path)["confirmed"] == []

    def test_a_file_that_is_not_an_audit_is_refused_with_a_sentence(self, connection_id: str, tmp_path: Path) -> None:
        path = tmp_path / "other.csv"
        path.write_text("a,b\n1,2\n")
        result = run("phones", "confirm", connection_id, "--csv", str(path))
        assert result.exit_code == 1
        assert "Missing: customer_id, phone_text, confirmed, note" in result.output
