"""Statements that disconnect a connection: it stops for good, and its tokens and its webhook secret are deleted."""

import uuid

from sqlalchemy import text

from db import grants, openings, pauses
from db.session import Session
from domain.reminders.permission import SkipReason

_STOP = text("""
    UPDATE booksync.zoho_connections
       SET status = 'disconnected',
           disconnected_at = now(),
           parked_reason = NULL,
           parked_at = NULL,
           paused_reason = NULL,
           paused_at = NULL,
           handover = 'closed',
           is_handover_resting = false,
           updated_at = now()
     WHERE id = :id AND status NOT IN ('disconnected', 'erasing')
""")


def stop(db: Session, connection_id: uuid.UUID) -> bool:
    """Make the connection disconnected, which ends its work and closes it for handovers. The secrets stay for now.

    Returns False if the connection was disconnected already.
    """
    openings.await_claims(db, connection_id)
    if not db.execute(_STOP, {"id": connection_id}).rowcount:
        return False
    pauses.end_work(db, connection_id, "The connection was disconnected.")
    return True


# Customers are locked before invoices, and invoices before reminders, as in every writer of plans.
_LOCK_CUSTOMERS = text("""
    SELECT FROM booksync.customers_cache
     WHERE id IN (SELECT customer_id FROM invoices_cache WHERE id = ANY(:ids))
     ORDER BY zoho_customer_id FOR NO KEY UPDATE
""")

_PLANNED = text("""
    SELECT id FROM invoices_cache
     WHERE connection_id = :id AND (plan_outcome IS NOT NULL OR plan_at IS NOT NULL)
       AND (plan_outcome IS DISTINCT FROM :reason OR plan_at IS NOT NULL)
     ORDER BY id LIMIT :limit
""")

_FORGET_PLANS = text("""
    UPDATE invoices_cache SET plan_at = NULL, plan_outcome = CASE WHEN plan_outcome IS NOT NULL THEN :reason END
     WHERE id IN (SELECT id FROM invoices_cache WHERE id = ANY(:ids) ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
""")

_CANCEL = text("""
    UPDATE reminders SET status = 'cancelled', updated_at = now()
     WHERE invoice_id = ANY(:ids) AND status = 'scheduled' AND closes_at IS NOT NULL
""")


def cancel_reminders(db: Session, connection_id: uuid.UUID, *, limit: int) -> tuple[int, bool]:
    """Cancel pending reminders of at most `limit` invoices, which get the connection's state as their reason.

    Reminders of an older application stay. Returns the number of cancelled reminders, and whether invoices are left.
    """
    ids = db.execute(_PLANNED, {"id": connection_id, "reason": SkipReason.DISCONNECTED, "limit": limit})
    values = {"ids": list(ids.scalars()), "reason": SkipReason.DISCONNECTED}
    if not values["ids"]:
        return 0, False
    db.execute(_LOCK_CUSTOMERS, values)
    db.execute(_FORGET_PLANS, values)
    return db.execute(_CANCEL, values).rowcount, True


def revive_plans(db: Session, connection_id: uuid.UUID) -> None:
    """Make the plans due that a disconnect has cancelled, because the connection was connected again."""
    db.execute(
        text("""
            UPDATE invoices_cache SET plan_at = clock_timestamp()
             WHERE id IN (SELECT id FROM invoices_cache WHERE connection_id = :id AND plan_outcome = :reason
                           ORDER BY zoho_invoice_id FOR NO KEY UPDATE)
        """),
        {"id": connection_id, "reason": SkipReason.DISCONNECTED},
    )


def has_grant(db: Session, connection_id: uuid.UUID) -> bool:
    """Whether a disconnected connection still has its refresh token. The connection is locked.

    Returns False if the connection was connected again, because its grant is a new one then.
    """
    found = db.execute(
        text("""
            SELECT FROM booksync.zoho_connections
             WHERE id = :id AND status IN ('disconnected', 'erasing') AND refresh_token_encrypted IS NOT NULL
               FOR NO KEY UPDATE
        """),
        {"id": connection_id},
    )
    return found.first() is not None


def delete_secrets(db: Session, connection_id: uuid.UUID) -> None:
    """Delete the tokens and the webhook secrets of a disconnected connection, unless it was connected again.

    Its grant is deleted too, if no other connection uses the grant.
    """
    deleted = db.execute(
        text("""
            UPDATE booksync.zoho_connections
               SET refresh_token_encrypted = NULL,
                   access_token_encrypted = NULL,
                   access_token_expires_at = NULL,
                   webhook_secret_encrypted = NULL,
                   webhook_secret_previous_encrypted = NULL,
                   oauth_failing_since = NULL,
                   oauth_throttled_since = NULL,
                   no_refresh_before = NULL,
                   updated_at = now()
             WHERE id = :id AND status IN ('disconnected', 'erasing')
        """),
        {"id": connection_id},
    )
    if deleted.rowcount:
        grants.leave(db, connection_id)
