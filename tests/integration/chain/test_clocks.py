"""Wrong stamps and clocks do not freeze any row."""

from typing import Any

import pytest

from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from tests.truth import differences

AN_HOUR = 3600.0


@pytest.mark.slow
def test_a_full_run_corrects_stale_rows_after_zohos_clock_went_back(bench: Bench, database: Any) -> None:
    ahead = bench.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=AN_HOUR)
    some = list(bench.zoho.snapshot()["invoices"])[:5]
    bench.zoho.touch(invoice_ids=[each["invoice_id"] for each in some])
    bench.sync()
    bench.zoho.clear_faults(ahead)
    for invoice in some:
        bench.zoho.edit_invoice(invoice["invoice_id"], reminders_sent=3, sub_status="cs_in_dispute")
    # On the next night these readings are clearly younger than the stamps of Zoho's fast clock.
    bench.rows("UPDATE invoices_cache SET observed_at = observed_at - interval '2 hours' RETURNING id")
    bench.rows("UPDATE booksync.customers_cache SET observed_at = observed_at - interval '2 hours' RETURNING id")
    result = bench.sync(Mode.FULL)
    assert result["status"] == "succeeded"
    assert differences(bench.zoho.snapshot(), database) == []
    position = bench.rows("SELECT position FROM booksync.sync_runs ORDER BY started_at DESC LIMIT 1")[0]["position"]
    assert position["went_back"] == len(some)


@pytest.mark.slow
def test_changes_after_zohos_clock_went_back_are_read_by_the_next_incremental_run(bench: Bench) -> None:
    ahead = bench.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=AN_HOUR)
    bench.sync()
    bench.zoho.clear_faults(ahead)
    invoice = next(key for key, row in bench.invoices().items() if row["status"] == "sent")
    bench.zoho.void_invoice(invoice)
    bench.sync()
    assert bench.invoices()[invoice]["status"] == "void"


@pytest.mark.parametrize("table", ["customers_cache", "invoices_cache"])
def test_no_watermark_is_ahead_of_our_clock(bench: Bench, table: str) -> None:
    bench.zoho.fault(FaultName.CLOCK_SHIFTED, seconds=AN_HOUR)
    bench.sync()
    column = "last_customer_sync_at" if table == "booksync.customers_cache" else "last_invoice_sync_at"
    assert bench.rows(f"SELECT {column} <= now() AS is_past FROM sync_metadata") == [{"is_past": True}]
