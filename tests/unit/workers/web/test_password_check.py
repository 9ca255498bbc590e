"""Promises of workers/web/console/password_check.py: guesses are slow, few at once, and logged without a password."""

import asyncio
import base64
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from workers.observability.counters import PasswordOutcome
from workers.web.console.password_check import (
    LONGEST_DELAY_SECONDS,
    MOST_ADDRESSES,
    MOST_DELAYED,
    PasswordCheck,
    password_in,
)

RIGHT = "correct horse"
RIGHT_OUTCOME, WRONG, NOT_CHECKED = PasswordOutcome.RIGHT, PasswordOutcome.WRONG, PasswordOutcome.NOT_CHECKED


@dataclass
class Guesses:
    """Passwords sent to one check; the test ends the delays."""

    delays: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.check = PasswordCheck(SecretStr(RIGHT), sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.delays.append(seconds)
        await self.over.wait()

    async def at_once(self, *guesses: tuple[str, str]) -> list[PasswordOutcome]:
        """The outcomes of (password, address) pairs, all sent before the first delay ends."""
        sent = [asyncio.ensure_future(self.check.check(password.encode(), address)) for password, address in guesses]
        await asyncio.sleep(0)
        self.over.set()
        outcomes = await asyncio.gather(*sent)
        self.over.clear()
        return outcomes


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_right_password_is_accepted_without_a_delay() -> None:
    async def scene() -> None:
        guesses = Guesses()
        assert await guesses.at_once((RIGHT, "1.1.1.1")) == [RIGHT_OUTCOME]
        assert guesses.delays == []

    run(scene())


def test_each_wrong_password_of_an_address_takes_longer_up_to_a_bound() -> None:
    async def scene() -> None:
        guesses = Guesses()
        for _ in range(5):
            assert await guesses.at_once(("wrong", "1.1.1.1")) == [WRONG]
        assert guesses.delays == [1, 2, 3, 3, LONGEST_DELAY_SECONDS]

    run(scene())


def test_the_right_password_ends_the_growth() -> None:
    async def scene() -> None:
        guesses = Guesses()
        for password in ("wrong", "wrong", RIGHT, "wrong"):
            await guesses.at_once((password, "1.1.1.1"))
        assert guesses.delays == [1, 2, 1]

    run(scene())


def test_parallel_guesses_of_one_address_have_no_advantage() -> None:
    async def scene() -> None:
        outcomes = await Guesses().at_once(("wrong", "1.1.1.1"), ("other", "1.1.1.1"), (RIGHT, "1.1.1.1"))
        assert outcomes == [WRONG, NOT_CHECKED, NOT_CHECKED]

    run(scene())


def test_other_addresses_are_not_delayed() -> None:
    async def scene() -> None:
        assert await Guesses().at_once(("wrong", "1.1.1.1"), (RIGHT, "2.2.2.2")) == [WRONG, RIGHT_OUTCOME]

    run(scene())


def test_limit_shared_by_many_addresses_does_not_block_the_right_password() -> None:
    async def scene() -> None:
        guesses = Guesses()
        await guesses.at_once((RIGHT, "office"))
        many = [("wrong", f"10.0.0.{number}") for number in range(20)]
        outcomes = await guesses.at_once(*many, (RIGHT, "office"), (RIGHT, "elsewhere"))
        assert outcomes.count(WRONG) == MOST_DELAYED
        assert outcomes[-2:] == [RIGHT_OUTCOME, NOT_CHECKED]

    run(scene())


def test_cancelled_request_releases_its_place() -> None:
    async def scene() -> None:
        guesses = Guesses()
        cancelled = asyncio.ensure_future(guesses.check.check(b"wrong", "1.1.1.1"))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert await guesses.at_once((RIGHT, "1.1.1.1")) == [RIGHT_OUTCOME]

    run(scene())


def test_number_of_remembered_addresses_is_bounded() -> None:
    async def scene() -> None:
        guesses = Guesses()
        for number in range(MOST_ADDRESSES + 10):
            await guesses.at_once(("wrong", f"address {number}"))
        assert len(guesses.check._failures) == MOST_ADDRESSES

    run(scene())


def test_wrong_passwords_are_logged_with_their_count_and_without_the_password() -> None:
    async def scene() -> None:
        guesses = Guesses()
        with capture_logs() as logs:
            for _ in range(50):
                await guesses.at_once(("a wrong guess", "1.1.1.1"))
        (line,) = logs
        assert (line["action"], line["address"], line["count"]) == ("console.wrong_password", "1.1.1.1", 1)
        assert "guess" not in str(logs)

    run(scene())


@given(st.text(max_size=40))
def test_a_password_shorter_than_12_characters_opens_nothing(password: str) -> None:
    check = PasswordCheck(SecretStr(password))
    assert check.has_console_password == (len(password.strip()) >= 12)
    assert check.is_console_password(password.encode()) == check.has_console_password


def test_a_password_that_is_still_checked_keeps_the_others_of_its_address_waiting() -> None:
    async def scene() -> None:
        check, over = PasswordCheck(None), asyncio.Event()

        async def attempt() -> str:
            await over.wait()
            return "ana"

        first = asyncio.ensure_future(check.slowed(attempt, "1.1.1.1"))
        await asyncio.sleep(0)
        assert await check.slowed(attempt, "1.1.1.1") == (NOT_CHECKED, None)
        over.set()
        assert await first == (RIGHT_OUTCOME, "ana")

    run(scene())


def test_a_check_that_fails_releases_its_place() -> None:
    async def scene() -> None:
        check = PasswordCheck(SecretStr(RIGHT))

        async def attempt() -> None:
            raise LookupError

        with pytest.raises(LookupError):
            await check.slowed(attempt, "1.1.1.1")
        assert await check.check(RIGHT.encode(), "1.1.1.1") is RIGHT_OUTCOME

    run(scene())


@pytest.mark.parametrize("password", ["", "correct horse", "with:colon", "ünïcödé 鍵", "\x00"])
def test_the_password_of_a_browser_is_read(password: str) -> None:
    header = "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()
    assert password_in(header) == password.encode()


@given(st.text())
def test_any_header_is_read_without_an_error(header: str) -> None:
    for scheme in ("", "Basic ", "basic\t", "Bearer "):
        assert isinstance(password_in(scheme + header), bytes)
