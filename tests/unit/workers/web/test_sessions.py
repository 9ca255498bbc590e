"""Promises of workers/web/console/sessions.py: how long a console session lasts, and which cookies are accepted."""

import json
import time
import uuid
from dataclasses import replace

import pytest
import time_machine
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.operators import Operator, Role
from workers.secrets.vault import Vault
from workers.web.console.sessions import (
    IDLE_SECONDS,
    LONGEST_SECONDS,
    RENEW_SECONDS,
    ConsoleSession,
    sealed,
    unsealed,
)

ANA = Operator("ana", Role.VIEWER, uuid.uuid4())
NOW = 1_800_000_000.0


def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


VAULT = Vault([key()])


def after(seconds: float, session: ConsoleSession | None = None) -> ConsoleSession | None:
    """Write the session's cookie at NOW, and read it `seconds` later."""
    with time_machine.travel(NOW, tick=False):
        cookie = sealed(VAULT, session or ConsoleSession.begun(ANA, NOW))
    with time_machine.travel(NOW + seconds, tick=False):
        return unsealed(VAULT, cookie, time.time())


def test_a_session_ends_half_an_hour_after_its_last_use() -> None:
    assert IDLE_SECONDS == 1800
    assert after(IDLE_SECONDS - 1) is not None
    assert after(IDLE_SECONDS) is None


def test_a_session_in_use_ends_twelve_hours_after_the_sign_in() -> None:
    assert LONGEST_SECONDS == 43_200
    old = replace(ConsoleSession.begun(ANA, NOW), began_at=NOW - LONGEST_SECONDS + 10)
    assert after(9, old) is not None
    assert after(10, old) is None


def test_the_cookie_is_renewed_once_a_minute_without_a_later_end() -> None:
    session = ConsoleSession.begun(ANA, NOW)
    assert session.renewed(NOW + RENEW_SECONDS - 1) is session
    renewed = session.renewed(NOW + RENEW_SECONDS)
    assert renewed == replace(session, seen_at=NOW + RENEW_SECONDS)
    assert renewed.began_at == session.began_at


def test_each_session_has_its_own_id_and_form_token() -> None:
    first, second = (ConsoleSession.begun(ANA, NOW) for _ in range(2))
    assert first.session_id != second.session_id
    assert first.csrf_token != second.csrf_token


def test_the_cookie_hides_its_content() -> None:
    session = ConsoleSession.begun(ANA, NOW)
    cookie = sealed(VAULT, session)
    assert not any(hidden in cookie for hidden in ("ana", session.csrf_token, str(session.session_id)))
    assert session.csrf_token not in repr(session)


def test_a_cookie_under_a_former_key_is_valid_while_the_key_is_kept() -> None:
    old, new = key(), key()
    session = ConsoleSession.begun(ANA, time.time())
    cookie = sealed(Vault([old]), session)
    assert unsealed(Vault([new, old]), cookie, time.time()) == session
    assert unsealed(Vault([new]), cookie, time.time()) is None


@given(st.text(max_size=200))
def test_an_invented_cookie_is_ignored(cookie: str) -> None:
    assert unsealed(VAULT, cookie, time.time()) is None


@given(st.data())
def test_a_changed_cookie_is_ignored(data: st.DataObject) -> None:
    cookie = sealed(VAULT, ConsoleSession.begun(ANA, time.time()))
    # The last characters may have unused bits.
    at = data.draw(st.integers(0, len(cookie) - 5))
    sign = data.draw(st.sampled_from("AZaz09-_"))
    changed = cookie[:at] + sign + cookie[at + 1 :]
    assert (unsealed(VAULT, changed, time.time()) is None) == (changed != cookie)


@pytest.mark.parametrize("text", ["{}", "[]", json.dumps({"name": "ana"})])
def test_a_cookie_of_another_form_or_purpose_is_ignored(text: str) -> None:
    assert unsealed(VAULT, VAULT.seal(text, "console session"), time.time()) is None
    session = sealed(VAULT, ConsoleSession.begun(ANA, time.time()))
    content = VAULT.unseal(session, "console session", max_age_seconds=60)
    assert content is not None
    assert unsealed(VAULT, VAULT.seal(content, "connect link"), time.time()) is None
