"""Promises of workers/redis_access/addresses.py: a Sentinel address is read completely, and shown without passwords."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.redis_access.addresses import AddressError, check_address, redis_address, sentinel_address


def test_sentinel_address_is_read_with_all_parts() -> None:
    address = sentinel_address(
        "redis+sentinel://app:p%40ss@one:26380,two,[::1]:26381/main%2F1/3"
        "?sentinel_username=watch&sentinel_password=other&ssl_ca_certs=/ca.pem"
    )
    assert address.sentinels == (("one", 26380), ("two", 26379), ("::1", 26381))
    assert address.service == "main/1"
    assert address.server_options == {"username": "app", "password": "p@ss", "db": 3, "ssl_ca_certs": "/ca.pem"}
    assert address.sentinel_options == {"username": "watch", "password": "other", "ssl_ca_certs": "/ca.pem"}


def test_shortest_sentinel_address_is_read_with_defaults() -> None:
    address = sentinel_address("redis+sentinel://one/main")
    assert (address.sentinels, address.service) == ((("one", 26379),), "main")
    assert (address.server_options, address.sentinel_options) == ({}, {})


def test_tls_applies_to_sentinels_and_servers() -> None:
    address = sentinel_address("rediss+sentinel://one/main")
    assert address.server_options["ssl"] is address.sentinel_options["ssl"] is True


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one",
        "redis+sentinel://one/",
        "redis+sentinel:///main",
        "redis+sentinel://one,,two/main",
        "redis+sentinel://one/main/first",
        "redis+sentinel://one/main/-1",
        "redis+sentinel://secret@/main",
    ],
)
def test_missing_part_is_named_without_quoting_the_address(url: str) -> None:
    with pytest.raises(AddressError) as error:
        check_address(url)
    assert "secret" not in str(error.value)
    assert "redis+sentinel://HOST:PORT/SERVICE" in str(error.value)


@pytest.mark.parametrize("url", ["redis+sentinel://one:port/main", "redis+sentinel://one:99999/main", "redis://a:b/0"])
def test_a_malformed_port_is_an_error(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (its text is not shown)
        check_address(url)


@pytest.mark.parametrize("url", ["redis+sentinel://app:secret@one,two:26380/main/0?sentinel_password=secret"])
def test_an_address_of_sentinels_is_shown_without_passwords(url: str) -> None:
    assert redis_address(url) == "one:26379,two:26380/main"


@given(st.text(max_size=60))
def test_any_text_raises_only_value_error(text: str) -> None:
    try:
        check_address(f"redis+sentinel://{text}")
    except ValueError:
        return
    assert redis_address(f"redis+sentinel://{text}")
