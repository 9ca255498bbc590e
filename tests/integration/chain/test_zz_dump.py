import pytest
from tests.integration.chain.test_tables import CASES, FURTHER, facts, filled, synced_state, NAME, WORD  # noqa
from tests.screen import show
from typer.testing import CliRunner
from workers.cli.app import app
def test_dump(synced, filled):
    synced.rows("UPDATE booksync.customers_cache SET customer_name = 'Handelshaus ' || right(zoho_customer_id, 4) || ' & Söhne GmbH' RETURNING 1")
    synced.rows("UPDATE invoices_cache SET invoice_number = 'INV-' || right(zoho_invoice_id, 6), balance = 1234.50 RETURNING 1")
    synced.rows("UPDATE booksync.zoho_connections SET organization_name = 'Bergmann Maschinenbau GmbH' RETURNING 1")
    synced.rows("UPDATE booksync.sync_runs SET error = 'Zoho does not respond (503).', degraded_reason = '30 invoices are held back from being marked deleted.' RETURNING 1")
    synced.rows("UPDATE booksync.dead_letters SET error = 'Zoho does not respond (503).' RETURNING 1")
    synced.rows("UPDATE booksync.do_not_call SET note = 'Asked on 3 May' RETURNING 1")
    with open("/tmp/help_dump.txt", "w") as f:
        for command, case in [*CASES.items(), *FURTHER]:
            if command == "erase": continue
            words = [*command.split(), *filled(case.words).split()]
            for width in (80, 120):
                if width == 120 and command not in ("status", "reminders due", "connections list"): continue
                lines = show(*words, width=width, given=case.given)
                print(f"=== {width} {' '.join(words)}", *lines[:34], sep="\n", file=f)
            piped = CliRunner().invoke(app, words, input=case.given).stdout.splitlines()
            print("--- piped", *[l[:200] for l in piped[:5]], sep="\n", file=f)
