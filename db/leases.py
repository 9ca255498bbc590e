"""Leases: temporary ownership of a unit of work, fenced by the time of its expiry."""

from domain.errors import BooksyncError


class LeaseLostError(BooksyncError):
    """Another worker has acquired this work: the transaction must roll back."""
