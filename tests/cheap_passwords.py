"""Hashes of passwords at the lowest cost, for tests that hash in their own process.

A hash at production's cost takes a third of a second.
`tests/unit/workers/secrets/test_passwords.py` checks the cost of production's hashes, and processes that tests start
keep that cost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from argon2 import PasswordHasher

from workers.secrets import passwords

PRODUCTION_HASHER = passwords._HASHER


@contextmanager
def cheaply_hashed() -> Iterator[None]:
    passwords._hash_of_nothing.cache_clear()
    with patch.object(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        yield
    passwords._hash_of_nothing.cache_clear()
