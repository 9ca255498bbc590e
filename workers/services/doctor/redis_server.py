"""Checks of Redis: away, full, a replica, evicting, without rights, emptied, shared with another program."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workers.boot.servers import RedisState
from workers.services.doctor.findings import Finding, Part, counted, error, parted, warning

_PREFIXES: Final = ("dramatiq:", "budget:", "booksync:")
_NAMES: Final = ("dramatiq",)


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What is known about the Redis server."""

    state: RedisState
    foreign_keys: int = 0  #: the keys of other programs among a few hundred
    inspected_keys: int = 0
    #: The organisations with recent calls, according to Postgres, of which Redis has no record.
    forgotten_organizations: Sequence[str] = ()


def is_foreign(key: str) -> bool:
    """Whether a key of the database belongs to another program."""
    return not key.startswith(_PREFIXES) and key not in _NAMES


def check_redis(facts: RedisFacts) -> list[Finding]:
    """Return the troubles of the Redis server."""
    return [*_refusal(facts.state), *_warning(facts.state), *_contents(facts)]


def _refusal(state: RedisState) -> Iterator[Finding]:
    if (refusal := state.refusal) is not None:
        yield error(
            Part.REDIS,
            f"redis_{refusal.kind}",
            f"Redis {refusal.state}",
            cause="no message is sent and no call to Zoho is made until Redis accepts writes again",
            next_step=refusal.way_out,
        )


def _warning(state: RedisState) -> Iterator[Finding]:
    if state.warning is not None:
        what, next_step = parted(state.warning)
        is_evicting = "maxmemory-policy" in what
        yield warning(
            Part.REDIS,
            "redis_evicts" if is_evicting else "redis_nearly_full",
            f"Redis: {what}" if is_evicting else f"Redis {what}",
            cause="a message or a part of the API budget may be lost" if is_evicting else "its memory fills up",
            next_step="set maxmemory-policy to noeviction" if is_evicting else next_step,
        )


def _contents(facts: RedisFacts) -> Iterator[Finding]:
    if facts.foreign_keys:
        yield warning(
            Part.REDIS,
            "redis_shared",
            f"{facts.foreign_keys} of {counted(facts.inspected_keys, 'key')} in Redis belong to other programs",
            cause="another program uses the database number of booksync, and may empty it or fill its memory",
            next_step="give booksync a database number of its own in REDIS_URL",
        )
    if forgotten := facts.forgotten_organizations:
        yield warning(
            Part.REDIS,
            "redis_emptied",
            f"Redis has no record of the calls of {counted(len(forgotten), 'organisation')}",
            cause="Redis was emptied or restarted without its data, or REDIS_URL names another database",
            next_step=(
                "if Redis was emptied, wait one window: overdue steps are sent again; else give all processes "
                "the same REDIS_URL, and Redis appendonly yes"
            ),
        )
