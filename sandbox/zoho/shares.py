"""Chooses the records of a fault with a `share`: the same records in every call, process and run of the simulator."""

from hashlib import blake2b

_BYTES = 8
_DRAWS: int = 256**_BYTES


def is_in_share(record_id: int | str, share: float, salt: str = "") -> bool:
    """Whether the record is among the chosen `share` (0 to 1) of all records. Another `salt` chooses other records."""
    return _draw(f"{salt}/{record_id}") < share * _DRAWS


def draw(seed: str, choices: int) -> int:
    """Draw a number below `choices`, always the same number for the same seed."""
    return _draw(seed) % choices


def _draw(seed: str) -> int:
    return int.from_bytes(blake2b(seed.encode(), digest_size=_BYTES).digest())
