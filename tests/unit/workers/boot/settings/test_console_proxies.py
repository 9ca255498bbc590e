"""The header of a proxy that signs operators in, and the proxy's addresses."""

from ipaddress import ip_network

import pytest

from tests.unit.workers.boot.settings.complaints import complaint
from workers.boot.settings import settings


def test_addresses_and_networks_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONSOLE_AUTH_HEADER", "X-Auth-Request-User")
    environment.setenv("CONSOLE_AUTH_PROXIES", "127.0.0.1, 10.8.0.0/24,::1,")
    found = settings()
    assert found.console_auth_header == "X-Auth-Request-User"
    assert found.console_auth_proxies == (ip_network("127.0.0.1/32"), ip_network("10.8.0.0/24"), ip_network("::1/128"))


@pytest.mark.parametrize("proxies", [None, "", " , "])
def test_a_header_without_proxies_is_refused(environment: pytest.MonkeyPatch, proxies: str | None) -> None:
    environment.setenv("CONSOLE_AUTH_HEADER", "Remote-User")
    if proxies is not None:
        environment.setenv("CONSOLE_AUTH_PROXIES", proxies)
    assert "CONSOLE_AUTH_PROXIES is needed with CONSOLE_AUTH_HEADER" in complaint()


@pytest.mark.parametrize(
    ("proxies", "problem"),
    [
        ("0.0.0.0/0", "trusts every address"),
        ("10.0.0.1,::/0", "trusts every address"),
        # a name, an address that no network begins with, and nonsense
        ("proxy.example.com", "CONSOLE_AUTH_PROXIES"),
        ("10.0.0.1/8", "CONSOLE_AUTH_PROXIES"),
        ("10.0.0.1;10.0.0.2", "CONSOLE_AUTH_PROXIES"),
    ],
)
def test_malformed_or_boundless_proxies_are_refused(
    environment: pytest.MonkeyPatch, proxies: str, problem: str
) -> None:
    environment.setenv("CONSOLE_AUTH_HEADER", "Remote-User")
    environment.setenv("CONSOLE_AUTH_PROXIES", proxies)
    assert problem in complaint()


@pytest.mark.parametrize("header", ["Remote User", "Remote_User", "X-User:", "ü"])
def test_a_malformed_header_is_refused(environment: pytest.MonkeyPatch, header: str) -> None:
    environment.setenv("CONSOLE_AUTH_HEADER", header)
    environment.setenv("CONSOLE_AUTH_PROXIES", "127.0.0.1")
    assert "CONSOLE_AUTH_HEADER is not the name of a header" in complaint()
