"""Which hosts a connection talks to."""

import pytest

from workers.zoho.data_centers import zoho_hosts
from workers.zoho.errors import InvalidOrigin, UnknownDataCenter


@pytest.mark.parametrize(
    ("data_center", "api", "accounts"),
    [
        ("com", "https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("eu", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
        ("in", "https://www.zohoapis.in", "https://accounts.zoho.in"),
        ("com.au", "https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("jp", "https://www.zohoapis.jp", "https://accounts.zoho.jp"),
        ("com.cn", "https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
        ("sa", "https://www.zohoapis.sa", "https://accounts.zoho.sa"),
        # Canada's accounts server has a domain of its own.
        ("ca", "https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
        # As people type it.
        (" EU ", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
    ],
)
def test_each_data_center_has_its_hosts(data_center: str, api: str, accounts: str) -> None:
    hosts = zoho_hosts(data_center)

    assert (hosts.api_origin, hosts.accounts_origin) == (api, accounts)


def test_an_unknown_data_center_is_named_as_such_with_the_known_ones() -> None:
    with pytest.raises(UnknownDataCenter, match=r"known: com, eu, in, com\.au, jp, com\.cn, sa, ca"):
        zoho_hosts("evil.example/")


@pytest.mark.parametrize(
    ("api_domain", "origin"),
    [
        # Zoho's word is better than the table.
        ("https://www.zohoapis.com", "https://www.zohoapis.com"),
        ("https://www.zohoapis.com/", "https://www.zohoapis.com"),
        (None, "https://www.zohoapis.eu"),
        ("", "https://www.zohoapis.eu"),
        # The token would travel in the clear.
        ("http://www.zohoapis.com", "https://www.zohoapis.eu"),
        # No origin at all.
        ("www.zohoapis.com", "https://www.zohoapis.eu"),
        ("https://", "https://www.zohoapis.eu"),
        ("https://host:port", "https://www.zohoapis.eu"),
        ("https://[", "https://www.zohoapis.eu"),
    ],
)
def test_the_token_names_the_api_host_where_it_names_a_safe_one(api_domain: str | None, origin: str) -> None:
    assert zoho_hosts("eu").api_origin_for(api_domain) == origin


def test_an_override_wins_over_the_data_center_and_over_the_token() -> None:
    hosts = zoho_hosts("eu", api_url="http://127.0.0.1:9000/", accounts_url="http://[::1]:9001")

    assert hosts.api_origin_for("https://www.zohoapis.com") == "http://127.0.0.1:9000"
    assert hosts.accounts_origin == "http://[::1]:9001"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:9000",  # no scheme
        "ftp://host",
        "http://host/books/v3",  # the path is booksync's to add
        "http://host?x=1",
        "http://user:hunter2@host",
    ],
)
def test_an_override_that_is_no_origin_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidOrigin, match="ZOHO_API_URL") as refused:
        zoho_hosts("eu", api_url=url)

    assert "hunter2" not in str(refused.value)
