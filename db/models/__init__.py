"""The tables as SQLAlchemy models. The migrations in alembic/ create the tables; `alembic check` compares both."""

from db.models.base import Base
from db.models.cache import (
    CachedCustomer,
    CachedInvoice,
    DoNotCall,
    PhoneConfirmation,
    WaitingInvoice,
)
from db.models.connections import (
    ApiUse,
    ErasureReceipt,
    KeyCanary,
    ReminderPolicyRow,
    SyncMetadata,
    VerificationRow,
    ZohoConnection,
)
from db.models.dead_letters import DeadLetter
from db.models.grants import Grant, GrantHashKey, ZohoClient
from db.models.operators import ConsoleSignOut, OperatorAction, OperatorRow
from db.models.processes import Process
from db.models.reminders import Handover, HandoverOutcome, Reminder
from db.models.runs import (
    FailedRecord,
    HeldDeletion,
    RejectedRecord,
    SeenRecord,
    StagedContact,
    StagedPage,
    StagedPerson,
    SyncRun,
)
from db.models.users import User
from db.models.webhooks import Refresh, SchedulerMark, WebhookEvent

__all__ = [
    "ApiUse",
    "Base",
    "CachedCustomer",
    "CachedInvoice",
    "ConsoleSignOut",
    "DeadLetter",
    "DoNotCall",
    "ErasureReceipt",
    "FailedRecord",
    "Grant",
    "GrantHashKey",
    "Handover",
    "HandoverOutcome",
    "HeldDeletion",
    "KeyCanary",
    "OperatorAction",
    "OperatorRow",
    "PhoneConfirmation",
    "Process",
    "Refresh",
    "RejectedRecord",
    "Reminder",
    "ReminderPolicyRow",
    "SchedulerMark",
    "SeenRecord",
    "StagedContact",
    "StagedPage",
    "StagedPerson",
    "SyncMetadata",
    "SyncRun",
    "User",
    "VerificationRow",
    "WaitingInvoice",
    "WebhookEvent",
    "ZohoClient",
    "ZohoConnection",
]
