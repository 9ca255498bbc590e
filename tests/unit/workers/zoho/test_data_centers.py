"""The hosts that a connection calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import table
from workers.zoho.data_centers import DATA_CENTERS, ZohoUrls, operators_origin, zoho_hosts
from workers.zoho.errors import InvalidOrigin, UnknownDataCenter, UnsafeOrigin


@table(
    ("data_center", "api", "accounts"),
    [
        ("com", "https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("eu", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
        ("in", "https://www.zohoapis.in", "https://accounts.zoho.in"),
        ("com.au", "https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("jp", "https://www.zohoapis.jp", "https://accounts.zoho.jp"),
        ("com.cn", "https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
        ("sa", "https://www.zohoapis.sa", "https://accounts.zoho.sa"),
        # Canada's accounts server has another domain.
        ("ca", "https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
        ("uk", "https://www.zohoapis.uk", "https://accounts.zoho.uk"),
        ("ae", "https://www.zohoapis.ae", "https://accounts.zoho.ae"),
        # Zoho's names of locations.
        ("us", "https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("au", "https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("CN", "https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
        # As people type it.
        (" EU ", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
    ],
)
def test_each_data_center_has_its_hosts(data_center: str, api: str, accounts: str) -> None:
    hosts = zoho_hosts(data_center)

    assert (hosts.api_origin, hosts.accounts_origin) == (api, accounts)


def test_unknown_data_center_is_reported_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownDataCenter, match=r"known: com, eu, in, com\.au, jp, com\.cn, sa, ca, uk, ae, us, au, cn"
    ):
        zoho_hosts("evil.example/")


API_ORIGINS = {f"https://www.zohoapis.{name}" for name in DATA_CENTERS}


@table("origin", sorted(API_ORIGINS))
def test_a_token_names_any_api_host_of_the_table(origin: str) -> None:
    assert zoho_hosts("eu").api_origin_for(origin) == origin


@pytest.mark.parametrize(
    "api_domain",
    [
        "https://www.zohoapis.com/",
        "https://WWW.ZohoAPIs.com",
        "https://www.zohoapis.com:443",
        " HTTPS://www.zohoapis.com ",
    ],
)
def test_host_comparison_ignores_case(api_domain: str) -> None:
    hosts = zoho_hosts("eu")
    assert hosts.api_origin_for(api_domain) == "https://www.zohoapis.com"
    assert not hosts.refuses(api_domain)


@pytest.mark.parametrize("api_domain", [None, ""])
def test_a_token_without_an_api_domain_is_used_at_its_data_center(api_domain: str | None) -> None:
    hosts = zoho_hosts("eu")
    assert hosts.api_origin_for(api_domain) == "https://www.zohoapis.eu"
    assert not hosts.refuses(api_domain)


@table(
    "api_domain",
    [
        "https://evil.example",
        "https://zohoapis.com",  # not the API's host
        "https://accounts.zoho.com",
        "https://www.zohoapis.xyz",  # no data centre
        "https://www.zohoapis.com.evil.example",
        "https://evil-www.zohoapis.com",
        "https://www.zohoapis.com@evil.example",
        "https://evil.example@www.zohoapis.com",
        "https://user:password@www.zohoapis.com",
        "https://evil.example/www.zohoapis.com",
        "https://evil.example#www.zohoapis.com",
        "https://evil.example?www.zohoapis.com",
        "https://evil.example\\@www.zohoapis.com",
        "https://evil.example\\.www.zohoapis.com",
        "https://www.zohoapis.com.",
        "https://www\u3002zohoapis\u3002com",  # ideographic full stops
        "https://www.zohoapis\uff0ecom",  # a full-width one
        "https://www.zohoap\u0456s.com",  # a Cyrillic letter
        "https://www.xn--zohoaps-k1f.com",
        "https://www.zohoapis.com%2eevil.example",
        "https://www.zohoapis.com\x00.evil.example",
        "https://[::1]",
        "https://169.254.169.254",
        "https://www.zohoapis.com:8443",
        "https://www.zohoapis.com:0",
        "https://www.zohoapis.com/books",
        "http://www.zohoapis.com",  # The token would be sent unencrypted.
        "//www.zohoapis.com",
        "www.zohoapis.com",
        "https://",
        "https://host:port",
        "https://[",
    ],
)
def test_no_other_host_gets_the_token(api_domain: str) -> None:
    hosts = zoho_hosts("eu")
    assert hosts.api_origin_for(api_domain) == "https://www.zohoapis.eu"
    assert hosts.refuses(api_domain)


@given(
    st.one_of(
        st.text(),
        st.builds("{}www.zohoapis.com{}".format, st.text(max_size=20), st.text(max_size=20)),
        st.builds("https://{}zohoapis{}".format, st.text(max_size=9), st.text(max_size=9)),
    )
)
def test_origin_is_always_one_of_the_table(api_domain: str) -> None:
    assert zoho_hosts("eu").api_origin_for(api_domain) in API_ORIGINS


def test_an_override_wins_over_the_data_center_and_over_the_token() -> None:
    hosts = zoho_hosts("eu", api_url="http://127.0.0.1:9000/", accounts_url="http://[::1]:9001")

    assert hosts.api_origin_for("https://www.zohoapis.com") == "http://127.0.0.1:9000"
    assert hosts.api_origin_for("https://evil.example") == "http://127.0.0.1:9000"
    assert not hosts.refuses("https://evil.example")
    assert hosts.accounts_origin == "http://[::1]:9001"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:9000",  # no scheme
        "ftp://host",
        "http://host/books/v3",  # booksync adds the path itself
        "http://host?x=1",
        "http://user:hunter2@host",
    ],
)
def test_override_that_is_not_an_origin_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(InvalidOrigin, match="ZOHO_API_URL") as refused:
        zoho_hosts("eu", api_url=url)

    assert "hunter2" not in str(refused.value)


NEWER = ZohoUrls("https://accounts.zoho.kr", "https://www.zohoapis.kr")


def test_an_operator_names_the_servers_of_a_newer_data_center() -> None:
    hosts = zoho_hosts("kr", urls=NEWER)
    assert (hosts.accounts_origin, hosts.api_origin) == ("https://accounts.zoho.kr", "https://www.zohoapis.kr")
    assert hosts.api_origin_for("https://www.zohoapis.com") == "https://www.zohoapis.kr"


@pytest.mark.parametrize("urls", [ZohoUrls(accounts_url=NEWER.accounts_url), ZohoUrls(api_url=NEWER.api_url)])
def test_one_server_alone_does_not_make_a_data_center_known(urls: ZohoUrls) -> None:
    with pytest.raises(UnknownDataCenter):
        zoho_hosts("kr", urls=urls)


@pytest.mark.parametrize("name", ["", "kr/", "evil.example", "1", "a" * 11])
def test_the_name_of_a_newer_data_center_has_the_form_of_a_domain_ending(name: str) -> None:
    with pytest.raises(UnknownDataCenter):
        zoho_hosts(name, urls=NEWER)


def test_a_connections_servers_precede_those_of_the_settings() -> None:
    hosts = zoho_hosts("com", accounts_url="http://127.0.0.1:9000", urls=ZohoUrls(api_url="https://api.example"))
    assert (hosts.accounts_origin, hosts.api_origin) == ("http://127.0.0.1:9000", "https://api.example")


@table(
    ("url", "origin"),
    [
        ("https://accounts.zoho.kr", "https://accounts.zoho.kr"),
        # as people paste it
        (" https://Accounts.Zoho.kr/ ", "https://accounts.zoho.kr"),
        # a server on this host
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        # unencrypted over a network
        ("http://accounts.zoho.kr", None),
        ("http://10.0.0.1", None),
        # a host whose name only begins like this host
        ("http://127.0.0.1.evil.example", None),
        ("http://localhost.evil.example", None),
        # no origin
        ("https://accounts.zoho.kr/oauth", None),
        ("https://user@accounts.zoho.kr", None),
        ("https://accounts.zoho.kr?a=b", None),
        ("accounts.zoho.kr", None),
        ("ftp://accounts.zoho.kr", None),
        ("https://host:port", None),
        ("", None),
    ],
)
def test_an_operators_address_is_an_encrypted_origin_or_on_this_host(url: str, origin: str | None) -> None:
    if origin is None:
        with pytest.raises(UnsafeOrigin):
            operators_origin(url)
    else:
        assert operators_origin(url) == origin
