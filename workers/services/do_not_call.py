"""Adds numbers to the do-not-call lists and removes them. Their reminders are planned again in the same transaction."""

from typing import Final

from db import clock, connections, do_not_call
from db.session import Session
from domain.users import UserId
from workers.services import plan_reminders

#: The customers of a number that are planned at once. The next runs plan further ones, which few numbers have.
MOST_PLANNED: Final = 100


def add(db: Session, user_id: UserId, phone: str, note: str | None) -> bool:
    """Add a number (E.164) to the user's list, and cancel its reminders; False if the list has the number already."""
    customers = do_not_call.lock_customers(db, user_id, phone, limit=MOST_PLANNED)
    is_new = do_not_call.add(db, user_id, phone, note)
    _plan(db, customers)
    return is_new


def remove(db: Session, user_id: UserId, phone: str) -> bool:
    """Remove a number (E.164) from the user's list, and plan its reminders; False if the list lacks the number."""
    customers = do_not_call.lock_customers(db, user_id, phone, limit=MOST_PLANNED)
    was_listed = do_not_call.remove(db, user_id, phone)
    _plan(db, customers)
    return was_listed


def _plan(db: Session, customers: do_not_call.CustomersOfConnections) -> None:
    # The time is read after the invoices became due; with an earlier one they would not be due yet.
    now = clock.present(db)
    for connection_id, zoho_customer_ids in customers.items():
        connection = connections.connection(db, connection_id)
        plan_reminders.plan_customers(db, connection, zoho_customer_ids, now=now)
