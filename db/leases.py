"""Leases: temporary ownership of a unit of work, fenced by the moment until which it holds."""


class LeaseLostError(Exception):
    """Another worker has acquired this work: the transaction must roll back."""
