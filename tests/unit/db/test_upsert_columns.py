"""The columns that the upserts write: a column of a model is declared once, or named here as not read from Zoho."""

from collections.abc import Sequence

import pytest

from db import customers, invoices
from db.models import Base, CachedCustomer, CachedInvoice
from db.upserts import Column
from domain.drift import CUSTOMER_COLUMNS, INVOICE_COLUMNS

#: Set by the statement itself, or by other statements.
NOT_OF_A_READ = {
    "id",
    "user_id",
    "connection_id",
    "gone_at",
    "truth_checked_at",
    "local_last_synced_at",
    "created_at",
    "updated_at",
}
CASES = [
    (CachedCustomer, customers.COLUMNS, {"bulk_omits_persons", "switch_asked_at"}),
    (CachedInvoice, invoices.COLUMNS, {"plan_outcome"}),
]


@pytest.mark.parametrize(("model", "columns", "others"), CASES)
def test_each_column_of_a_cache_is_written_or_named_as_another(
    model: type[Base], columns: Sequence[Column[object]], others: set[str]
) -> None:
    written = [column.name for column in columns]
    assert len(written) == len(set(written))
    assert set(model.__table__.c.keys()) - set(written) == NOT_OF_A_READ | others


def test_each_compared_column_is_written() -> None:
    assert set(CUSTOMER_COLUMNS) <= {column.name for column in customers.COLUMNS}
    assert set(INVOICE_COLUMNS) <= {column.name for column in invoices.COLUMNS}
