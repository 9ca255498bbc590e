"""The cache table of each entity, for statements that are equal except for the table."""

from dataclasses import dataclass

from sqlalchemy import TextClause, text

from domain.entities import CUSTOMER, INVOICE, Entity

#: SQL that selects the newest cached version of one record. `{record_id}` is the expression of Zoho's id.
_CUSTOMER_VERSION = """
    SELECT status <> 'deleted' AS is_live, zoho_last_modified_at AS modified_at, observed_at
      FROM booksync.customers_cache
     WHERE user_id = :user_id AND zoho_customer_id = {record_id} AND connection_id = :connection_id
"""

# An invoice that waits for its customer is in the table of waiting invoices. If it also has a row in the cache, that
# row was marked deleted before, and may have the newer modified time.
_INVOICE_VERSION = """
    SELECT is_live, modified_at, observed_at
      FROM (SELECT status IS DISTINCT FROM 'deleted' AS is_live, zoho_last_modified_at AS modified_at, observed_at
              FROM invoices_cache
             WHERE user_id = :user_id AND zoho_invoice_id = {record_id} AND connection_id = :connection_id
            UNION ALL
            SELECT true, (invoice ->> 'modified_at')::timestamptz, observed_at
              FROM booksync.waiting_invoices
             WHERE connection_id = :connection_id AND zoho_invoice_id = {record_id}) versions
     ORDER BY is_live DESC, modified_at DESC NULLS LAST LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class CachedTable:
    """The cache table of an entity.

    Each such table also has the columns id, user_id, connection_id, status, zoho_last_modified_at, observed_at,
    gone_at, created_at and updated_at. A record that is marked deleted has the status 'deleted'.
    """

    name: str  #: the table's name with its schema, unless the table is shared with the host application
    record_id: str  #: the column with the record's id in Zoho
    label: str  #: the column of the name or number by which people know the record
    version: str  #: how to select the newest version, see `_CUSTOMER_VERSION`
    has_customer: bool  #: whether the table has a column `customer_id`


# The names are texts, because the models would load SQLAlchemy's ORM into every command.
_tables: dict[Entity, CachedTable] = {
    CUSTOMER: CachedTable(
        "booksync.customers_cache", "zoho_customer_id", "customer_name", _CUSTOMER_VERSION, has_customer=False
    ),
    INVOICE: CachedTable("invoices_cache", "zoho_invoice_id", "invoice_number", _INVOICE_VERSION, has_customer=True),
}


def table_of(entity: Entity) -> CachedTable:
    return _tables[entity]


def register(entity: Entity, table: CachedTable) -> None:
    """Register the cache table of a further entity."""
    _tables[entity] = table


def over(entity: Entity, template: str) -> TextClause:
    """The template, filled by `filled` for the entity's table, as a statement."""
    return text(filled(entity, template))


def filled(entity: Entity, template: str, **others: str) -> str:
    """The template with `{table}`, `{record_id}` and `{label}` replaced by the names of the entity's table and columns.

    `others` has the values of the template's other placeholders.
    """
    table = table_of(entity)
    return template.format(table=table.name, record_id=table.record_id, label=table.label, **others)
