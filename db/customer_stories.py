"""The facts of a cached customer and of its organisation that explain its reminders and the choice of its number."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from db import phone_confirmations
from db.connections import NAME, Connection
from db.session import Session
from domain.contacts import ContactPerson, ContactStatus
from domain.customers import persons_from_json
from domain.phones import NO_CONFIRMATIONS, Confirmations
from domain.reminders.policy import ReminderPolicy


@dataclass(frozen=True, slots=True)
class Organization:
    """The organisation of a connection at Zoho, as links and headings name it."""

    organization_id: str = ""
    data_center: str = ""
    name: str | None = None
    has_own_servers: bool = False  #: the operator has named the connection's Zoho servers


#: For stories without links.
NO_ORGANIZATION = Organization()


@dataclass(frozen=True, slots=True)
class CustomerStory:
    """A cached customer, with all facts that its phone number was chosen from."""

    id: uuid.UUID
    zoho_customer_id: str
    name: str = field(repr=False)
    status: ContactStatus
    persons: tuple[ContactPerson, ...] = field(repr=False)
    primary_phone: str | None = field(repr=False)
    phone_problem: str | None
    phone_not_callable: str | None
    country_code: str | None
    country_unknown: str | None = field(repr=False)  #: Zoho's text for the country, if booksync does not understand it
    address_state: str | None
    time_zone: str | None
    reminders_enabled: bool | None
    #: Numbers that a person has confirmed for texts of this customer.
    confirmed: Confirmations = field(default_factory=lambda: NO_CONFIRMATIONS, repr=False)
    details_are_known: bool = False  #: whether the details of the customer's present version were read


#: The columns of an organisation and its policy, for a connection `c` with its row `policy` of reminder_policies.
HOME = f"""
    c.time_zone AS home_time_zone, c.country_code AS home_country, c.organization_id, c.data_center,
    {NAME} AS connection_name, c.servers_encrypted IS NOT NULL AS has_own_servers, c.handover AS home_handover,
    policy.rules, clock_timestamp() AS present
"""

#: The columns of a customer, for its row `customer`.
CUSTOMER = f"""
    customer.id AS known_customer_id, customer.zoho_customer_id AS known_zoho_id, customer.customer_name,
    customer.status AS customer_status, customer.contact_persons, customer.primary_phone, customer.phone_problem,
    customer.phone_not_callable, customer.country_code AS customer_country, customer.country_unknown,
    customer.address_state, customer.time_zone AS customer_time_zone,
    customer.payment_reminder_enabled AS customer_reminders_enabled,
    customer.asked_version IS NOT DISTINCT FROM coalesce(customer.zoho_last_modified_at, 'epoch') AS details_are_known,
    {phone_confirmations.aggregated("customer")}
"""


def organization_of(row: Row[Any]) -> Organization:
    """The organisation in a row with the columns `HOME`."""
    return Organization(row.organization_id, row.data_center, row.connection_name, row.has_own_servers)


def policy_of(row: Row[Any]) -> ReminderPolicy:
    """The policy in a row with the columns `HOME`."""
    return ReminderPolicy() if row.rules is None else ReminderPolicy.from_json(row.rules)


def customer_of(row: Row[Any]) -> CustomerStory:
    """The customer in a row with the columns `CUSTOMER`."""
    return CustomerStory(
        id=row.known_customer_id,
        zoho_customer_id=row.known_zoho_id or "",
        name=row.customer_name,
        status=ContactStatus(row.customer_status),
        persons=persons_from_json(row.contact_persons),
        primary_phone=row.primary_phone,
        phone_problem=row.phone_problem,
        phone_not_callable=row.phone_not_callable,
        country_code=row.customer_country,
        country_unknown=row.country_unknown,
        address_state=row.address_state,
        time_zone=row.customer_time_zone,
        reminders_enabled=row.customer_reminders_enabled,
        confirmed=row.confirmed or NO_CONFIRMATIONS,
        details_are_known=row.details_are_known,
    )


_LOCK = text("""
    SELECT id FROM booksync.customers_cache
     WHERE connection_id = :connection_id AND zoho_customer_id = ANY(:zoho_ids)
     ORDER BY zoho_customer_id
       FOR NO KEY UPDATE
""")

_LOCKED = text(f"SELECT {CUSTOMER} FROM booksync.customers_cache AS customer WHERE customer.id = ANY(:ids)")  # noqa: S608


def lock(db: Session, connection: Connection, zoho_customer_ids: Sequence[str]) -> Mapping[str, CustomerStory]:
    """Lock the customers with these Zoho ids until the transaction ends."""
    ids = db.execute(_LOCK, {"connection_id": connection.connection_id, "zoho_ids": list(zoho_customer_ids)})
    # Confirmations are read after the lock, because a statement that waits for a lock sees other tables as they were
    # before the wait.
    rows = db.execute(_LOCKED, {"ids": list(ids.scalars())})
    return {row.known_zoho_id: customer_of(row) for row in rows}
