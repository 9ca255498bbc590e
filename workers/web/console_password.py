"""The check of the console's password. The check slows down guessing: each wrong password delays its response.

While a response is delayed, no other password from the same address is checked, so parallel guesses do not help. The
number of delayed responses is limited, so that guesses from many addresses are limited too.
"""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import anyio
from pydantic import SecretStr

from workers.observability.counters import PasswordOutcome
from workers.web.throttled_log import ThrottledLog

#: A shorter password closes the console.
SHORTEST_PASSWORD = 12

#: The delay of an address's first wrong password. Each further one adds the same delay, up to the longest.
DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 3.0

#: The most responses that are delayed at the same time, over all addresses.
MOST_DELAYED = 8

#: The most client addresses that are remembered, of each kind: with wrong passwords, and with the right one.
MOST_ADDRESSES = 1000


def is_too_short(password: SecretStr) -> bool:
    """Return whether the password is too short for the console. Blanks around the password do not count."""
    return len(password.get_secret_value().strip()) < SHORTEST_PASSWORD


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

    def __init__(self, password: SecretStr, *, sleep: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        self._digest = _digest(password.get_secret_value().encode())
        self._sleep = sleep
        self._delayed: set[str] = set()
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._trusted: OrderedDict[str, int] = OrderedDict()
        self._wrong = ThrottledLog("A wrong console password was refused", action="console.wrong_password")

    async def check(self, given: bytes, address: str) -> PasswordOutcome:
        """Check the password of one request and return the outcome; a wrong password delays the return."""
        if self._is_busy(address):
            self._wrong.warning(address=address)
            return PasswordOutcome.NOT_CHECKED
        if hmac.compare_digest(_digest(given), self._digest):
            self._failures.pop(address, None)
            _remember(self._trusted, address, 0)
            return PasswordOutcome.RIGHT
        self._wrong.warning(address=address)
        await self._delay(address)
        return PasswordOutcome.WRONG

    def _is_busy(self, address: str) -> bool:
        """Return whether no password from this address can be checked now.

        The limit of delayed responses does not apply to an address that has sent the right password.
        """
        is_full = len(self._delayed) >= MOST_DELAYED and address not in self._trusted
        return address in self._delayed or is_full

    async def _delay(self, address: str) -> None:
        failures = self._failures.get(address, 0) + 1
        _remember(self._failures, address, failures)
        self._delayed.add(address)
        try:
            await self._sleep(min(failures * DELAY_SECONDS, LONGEST_DELAY_SECONDS))
        finally:
            self._delayed.discard(address)


def _digest(password: bytes) -> bytes:
    """Hash the password. The duration of a comparison of the texts themselves would reveal the password's length."""
    return hashlib.sha256(password).digest()


def _remember(addresses: OrderedDict[str, int], address: str, failures: int) -> None:
    addresses[address] = failures
    addresses.move_to_end(address)
    if len(addresses) > MOST_ADDRESSES:
        addresses.popitem(last=False)
