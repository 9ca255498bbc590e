"""The check of passwords that are sent to the console: CONSOLE_PASSWORD, and the passwords of operators.

The check slows down guessing: each wrong password delays its response. Until the response, no other password from the
same address is checked, so parallel guesses do not help. The number of addresses whose passwords are checked or delayed
is limited, so that guesses from many addresses are limited too.
"""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter
from pydantic import SecretStr

from domain.operators import is_too_short
from workers.observability.counters import PasswordOutcome
from workers.web.throttled_log import ThrottledLog

FoundT = TypeVar("FoundT")

#: The delay of an address's first wrong password. Each further one adds the same delay, up to the longest.
DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 3.0

#: The most responses that are delayed at the same time, over all addresses.
MOST_DELAYED = 8

#: The most passwords of operators whose hashes are computed at the same time. Each computation needs 64 MiB.
MOST_HASHED = 2

#: The response to a password that was not checked, with the seconds after which a client may try again.
TOO_MANY = "Too many wrong passwords. Try again in a few seconds."
RETRY_LATER = {"Retry-After": "5"}

#: The most client addresses that are remembered, of each kind: with wrong passwords, and with the right one.
MOST_ADDRESSES = 1000


def password_in(authorization: str) -> bytes:
    """Return the password of HTTP's basic authentication, or "" without one. The user's name is ignored."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


class PasswordCheck:
    """The password check of one process; used on its event loop only."""

    def __init__(
        self, console_password: SecretStr | None, *, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> None:
        """Set CONSOLE_PASSWORD. One that is too short counts as none."""
        password = "" if console_password is None else console_password.get_secret_value()
        self._digest = None if is_too_short(password) else _digest(password.encode())
        self._sleep = sleep
        self._busy: set[str] = set()
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._trusted: OrderedDict[str, int] = OrderedDict()
        self._wrong = ThrottledLog("A wrong console password was refused", action="console.wrong_password")
        self.hashing = CapacityLimiter(MOST_HASHED)  #: for threads that compute hashes of operators' passwords

    @property
    def has_console_password(self) -> bool:
        return self._digest is not None

    def is_console_password(self, given: bytes) -> bool:
        """Return whether this is CONSOLE_PASSWORD, without any delay."""
        return self._digest is not None and hmac.compare_digest(_digest(given), self._digest)

    async def check(self, given: bytes, address: str) -> PasswordOutcome:
        """Check the password of one request against CONSOLE_PASSWORD; a wrong password delays the return."""

        async def attempt() -> bool | None:
            return self.is_console_password(given) or None

        outcome, _ = await self.slowed(attempt, address)
        return outcome

    async def slowed(
        self, attempt: Callable[[], Awaitable[FoundT | None]], address: str
    ) -> tuple[PasswordOutcome, FoundT | None]:
        """Await `attempt`, which checks one password, and return what it has found; None delays the return.

        `attempt` is not called while too many passwords are checked or delayed.
        """
        if self._is_busy(address):
            self._wrong.warning(address=address)
            return PasswordOutcome.NOT_CHECKED, None
        self._busy.add(address)
        try:
            found = await attempt()
            if found is None:
                self._wrong.warning(address=address)
                await self._delay(address)
                return PasswordOutcome.WRONG, None
        finally:
            self._busy.discard(address)
        self._failures.pop(address, None)
        _remember(self._trusted, address, 0)
        return PasswordOutcome.RIGHT, found

    def _is_busy(self, address: str) -> bool:
        """Return whether no password from this address can be checked now.

        The limit over all addresses does not apply to an address that has sent a right password.
        """
        is_full = len(self._busy) >= MOST_DELAYED and address not in self._trusted
        return address in self._busy or is_full

    async def _delay(self, address: str) -> None:
        failures = self._failures.get(address, 0) + 1
        _remember(self._failures, address, failures)
        await self._sleep(min(failures * DELAY_SECONDS, LONGEST_DELAY_SECONDS))


def _digest(password: bytes) -> bytes:
    """Hash the password. The duration of a comparison of the texts themselves would reveal the password's length."""
    return hashlib.sha256(password).digest()


def _remember(addresses: OrderedDict[str, int], address: str, failures: int) -> None:
    addresses[address] = failures
    addresses.move_to_end(address)
    if len(addresses) > MOST_ADDRESSES:
        addresses.popitem(last=False)
