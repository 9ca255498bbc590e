"""Canonical bytes of a value, so that equal facts have equal hashes."""

import hashlib
from typing import Any

import orjson


def sha256_of(facts: Any) -> str:
    """SHA-256 (64 hex digits) of the facts as JSON. The order of list items changes the hash, that of keys does not."""
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()
