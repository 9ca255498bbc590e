"""The texts of db/cached_tables.py name what the models have."""

import pytest

from db.cached_tables import table_of
from db.models import Base, CachedCustomer, CachedInvoice
from domain.entities import CUSTOMER, INVOICE, Entity


@pytest.mark.parametrize(("entity", "model"), [(CUSTOMER, CachedCustomer), (INVOICE, CachedInvoice)])
def test_a_cached_table_has_the_name_and_the_columns_of_its_model(entity: Entity, model: type[Base]) -> None:
    table, columns = table_of(entity), model.__table__.c
    assert table.name == str(model.__table__)
    assert {table.record_id, table.label} <= set(columns.keys())
    assert table.has_customer == ("customer_id" in columns)
