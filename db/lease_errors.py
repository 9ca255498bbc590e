"""The error of work whose lease another worker has acquired. The time of a lease's expiry identifies its owner."""

from domain.errors import BooksyncError


class LeaseLostError(BooksyncError):
    """Another worker has acquired this work: the transaction must roll back."""
