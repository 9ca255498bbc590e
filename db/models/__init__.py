"""The tables, as SQLAlchemy models; the migrations in alembic/ make them and `alembic check` compares the two."""

from db.models.base import Base
from db.models.cache import CachedCustomer, CachedInvoice, Reminder, ReminderStatus, SkippedInvoice
from db.models.connections import ApiUse, ConnectionStatus, SyncMetadata, User, ZohoConnection
from db.models.runs import DeadLetter, SeenRecord, SetAsideRecord, StagedContact, StagedPerson, SyncRun

__all__ = [
    "ApiUse",
    "Base",
    "CachedCustomer",
    "CachedInvoice",
    "ConnectionStatus",
    "DeadLetter",
    "Reminder",
    "ReminderStatus",
    "SeenRecord",
    "SetAsideRecord",
    "SkippedInvoice",
    "StagedContact",
    "StagedPerson",
    "SyncMetadata",
    "SyncRun",
    "User",
    "ZohoConnection",
]
