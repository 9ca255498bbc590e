"""Leases: temporary ownership of a unit of work, fenced by the time of its expiry."""


class LeaseLostError(Exception):
    """Another worker has acquired this work: the transaction must roll back."""
