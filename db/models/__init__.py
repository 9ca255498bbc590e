"""The tables as SQLAlchemy models; the migrations in alembic/ create them, and `alembic check` compares the two."""

from db.models.base import Base
from db.models.cache import (
    CachedCustomer,
    CachedInvoice,
    DoNotCall,
    HandoverOutcome,
    PhoneConfirmation,
    Reminder,
    ReminderContact,
    ReminderStatus,
    SkippedInvoice,
)
from db.models.connections import (
    ApiUse,
    ConnectionStatus,
    KeyCanary,
    ReminderPolicyRow,
    SyncMetadata,
    User,
    ZohoConnection,
)
from db.models.dead_letters import DeadLetter
from db.models.runs import FailedRecord, HeldDeletion, SeenRecord, SetAsideRecord, StagedContact, StagedPerson, SyncRun
from db.models.webhooks import Resync, SchedulerMark, WebhookEvent

__all__ = [
    "ApiUse",
    "Base",
    "CachedCustomer",
    "CachedInvoice",
    "ConnectionStatus",
    "DeadLetter",
    "DoNotCall",
    "FailedRecord",
    "HandoverOutcome",
    "HeldDeletion",
    "KeyCanary",
    "PhoneConfirmation",
    "Reminder",
    "ReminderContact",
    "ReminderPolicyRow",
    "ReminderStatus",
    "Resync",
    "SchedulerMark",
    "SeenRecord",
    "SetAsideRecord",
    "SkippedInvoice",
    "StagedContact",
    "StagedPerson",
    "SyncMetadata",
    "SyncRun",
    "User",
    "WebhookEvent",
    "ZohoConnection",
]
