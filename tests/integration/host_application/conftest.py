"""Reminders of two invoices of one customer that are due now, as for the posts."""

from tests.integration.posting.conftest import due, engine, inbox, receiver

__all__ = ["due", "engine", "inbox", "receiver"]
