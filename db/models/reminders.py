"""The reminders of invoices, their handovers to the application, and the outcomes of the calls."""

import datetime as dt
import uuid

from sqlalchemy import Date, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import SHARED, Base, CreatedAt, Id, Moment
from db.models.cache import CachedInvoice
from db.models.users import User
from domain.reminders.plan_changes import ReminderStatus
from domain.users import UserId


class Reminder(Base):
    """One step of an invoice's reminders; each step of an invoice has at most one row."""

    __tablename__ = "reminders"
    __table_args__ = (
        UniqueConstraint("invoice_id", "step"),
        Index(None, "customer_id"),
        Index("ix_reminders_due", "scheduled_at", postgresql_where=text("status = 'scheduled'")),
        Index(
            "ix_reminders_queue",
            "scheduled_at",
            "user_id",
            "phone",
            "id",
            postgresql_where=text("status = 'scheduled' AND closes_at IS NOT NULL"),
        ),
        Index(
            "ix_reminders_day",
            "day",
            "user_id",
            "phone",
            postgresql_where=text("status = 'scheduled' AND closes_at IS NOT NULL"),
        ),
        Index("ix_reminders_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_reminders_handover_id", "handover_id", postgresql_where=text("handover_id IS NOT NULL")),
        SHARED,
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(CachedInvoice.id))
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customers_cache.id"))
    step: Mapped[int] = mapped_column(SmallInteger)  #: days after the due date, negative before it
    scheduled_at: Mapped[Moment]
    day: Mapped[dt.date | None] = mapped_column(Date)  #: the date of `scheduled_at` on the customer's clock
    closes_at: Mapped[Moment | None]  #: a handover after this time needs a new plan; NULL: not planned by booksync
    phone: Mapped[str]
    handover_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("handovers.id"))
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("handovers.id"))  #: former name of `handover_id`
    status: Mapped[str] = mapped_column(server_default=ReminderStatus.SCHEDULED)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class Handover(Base):
    """One handover of one phone number: the reminders that `claim_due_reminders` handed over together."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index(None, "user_id", "phone", "day"),
        Index(None, "connection_id"),
        Index("ix_handovers_post_at", "post_at", postgresql_where=text("post_at IS NOT NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(ForeignKey(User.id))
    connection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zoho_connections.id"))
    phone: Mapped[str]
    day: Mapped[dt.date] = mapped_column(Date)  #: the date of the handover on the customer's clock
    handed_over_at: Mapped[Moment]
    post_at: Mapped[Moment | None]  #: the next attempt to post the handover to the webhook; NULL: no (further) attempt
    post_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    posted_at: Mapped[Moment | None]  #: when the receiver accepted the handover
    post_problem: Mapped[str | None]  #: why the last attempt to post failed, or was not made


class HandoverOutcome(Base):
    """The outcome of one reminder of a handover (`report_outcome`); the latest report counts."""

    __tablename__ = "handover_outcomes"
    __table_args__ = (
        Index(None, "customer_id"),
        Index(None, "invoice_id"),
        Index(None, "reported_at"),
        Index("ix_handover_outcomes_outcome_reported_at", text("lower(outcome)"), "reported_at"),
    )

    handover_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("handovers.id", ondelete="CASCADE"), primary_key=True)
    reminder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[uuid.UUID]
    customer_id: Mapped[uuid.UUID]
    phone_text: Mapped[str]  #: the number's text in Zoho at the first report
    outcome: Mapped[str]
    until: Mapped[dt.date | None] = mapped_column(Date)
    note: Mapped[str | None]
    reported_at: Mapped[CreatedAt]
