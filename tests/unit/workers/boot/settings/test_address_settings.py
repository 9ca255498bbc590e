"""Promises of boot/settings.py: the addresses of other programs and of this one, with their secrets."""

import pytest

from tests.unit.workers.boot.settings.complaints import complaint
from workers.boot.settings import settings


class TestReminderWebhook:
    URL = "https://sender.example/due?token=address-secret"
    SECRET = "sixteen letters!"

    def test_no_webhook_by_default(self) -> None:
        assert (settings().reminder_webhook_url, settings().reminder_webhook_secret) == (None, None)

    def test_address_and_secret_are_read_and_not_shown(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("REMINDER_WEBHOOK_URL", self.URL)
        environment.setenv("REMINDER_WEBHOOK_SECRET", self.SECRET)
        found = settings()
        assert found.reminder_webhook_url is not None
        assert found.reminder_webhook_url.get_secret_value() == self.URL
        assert "address-secret" not in repr(found)
        assert self.SECRET not in repr(found)

    def test_a_rotation_has_two_secrets_the_newest_first(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("REMINDER_WEBHOOK_SECRET", f"another of enough letters, {self.SECRET},")
        found = [secret.get_secret_value() for secret in settings().reminder_webhook_secret or ()]
        assert found == ["another of enough letters", self.SECRET]

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:8080/due",
            "http://127.9.9.9/due",
            "http://[::1]/due",
            "http://localhost/due",
            "http://LOCALHOST./due",
            "https://receiver.example/due",
        ],
    )
    def test_address_is_https_or_of_this_host(self, environment: pytest.MonkeyPatch, url: str) -> None:
        environment.setenv("REMINDER_WEBHOOK_URL", url)
        environment.setenv("REMINDER_WEBHOOK_SECRET", self.SECRET)
        assert settings().reminder_webhook_url is not None

    @pytest.mark.parametrize(
        "url",
        [
            "http://receiver.example/due",
            "HTTP://10.0.0.1/due",
            # Names that only look like the local host.
            "http://127.0.0.1@receiver.example/due",
            "http://localhost.example/due",
            "http://127.0.0.1.example/due",
            "http://0.0.0.0/due",
        ],
    )
    def test_http_address_of_another_host_needs_a_setting(self, environment: pytest.MonkeyPatch, url: str) -> None:
        environment.setenv("REMINDER_WEBHOOK_URL", url)
        environment.setenv("REMINDER_WEBHOOK_SECRET", self.SECRET)
        assert complaint() == (
            "Malformed setting: REMINDER_WEBHOOK_URL starts with http://, so the network could read names and phone "
            "numbers: use https://, or set REMINDER_WEBHOOK_ALLOW_HTTP=true."
        )
        settings.cache_clear()
        environment.setenv("REMINDER_WEBHOOK_ALLOW_HTTP", "true")
        assert settings().reminder_webhook_url is not None

    def test_a_proxy_is_an_http_address_and_kept_secret(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("REMINDER_WEBHOOK_PROXY_URL", "http://user:proxy-secret@proxy.example:3128")
        assert "proxy-secret" not in repr(settings())
        settings.cache_clear()
        environment.setenv("REMINDER_WEBHOOK_PROXY_URL", "socks5://user:proxy-secret@proxy.example:1080")
        assert complaint() == (
            "Malformed setting: REMINDER_WEBHOOK_PROXY_URL is not an HTTP proxy: it must start with http:// or https://."
        )

    @pytest.mark.parametrize(
        ("url", "secret", "words"),
        [
            (URL, "", "REMINDER_WEBHOOK_SECRET is needed with REMINDER_WEBHOOK_URL"),
            (URL, ",", "REMINDER_WEBHOOK_SECRET is needed with REMINDER_WEBHOOK_URL"),
            (URL, "too short", "REMINDER_WEBHOOK_SECRET holds a secret of fewer than 16 characters"),
            (URL, f"{SECRET},address-secret", "REMINDER_WEBHOOK_SECRET holds a secret of fewer than 16 characters"),
            (URL, ",".join([f"{SECRET}-address-secret"] * 3), "REMINDER_WEBHOOK_SECRET holds more than two secrets"),
            ("sender.example/address-secret", SECRET, "REMINDER_WEBHOOK_URL is not a web address"),
            ("ftp://sender.example/address-secret", SECRET, "REMINDER_WEBHOOK_URL is not a web address"),
        ],
    )
    def test_wrong_setting_is_reported_without_its_value(
        self, environment: pytest.MonkeyPatch, url: str, secret: str, words: str
    ) -> None:
        environment.setenv("REMINDER_WEBHOOK_URL", url)
        environment.setenv("REMINDER_WEBHOOK_SECRET", secret)
        told = complaint()
        assert words in told
        assert "address-secret" not in told


class TestPublicUrl:
    @pytest.mark.parametrize("url", ["https://booksync.example.com", "https://example.com/booksync/"])
    def test_public_url_is_an_origin_with_an_optional_path(self, environment: pytest.MonkeyPatch, url: str) -> None:
        environment.setenv("PUBLIC_URL", url)
        assert str(settings().public_url).rstrip("/") == url.rstrip("/")

    @pytest.mark.parametrize(
        "url",
        [
            "booksync.example.com",
            "ftp://booksync.example.com",
            "https://booksync.example.com?token=address-secret",
            "https://user:address-secret@booksync.example.com",
            "https://booksync.example.com/#address-secret",
        ],
    )
    def test_anything_else_is_refused_without_its_value(self, environment: pytest.MonkeyPatch, url: str) -> None:
        environment.setenv("PUBLIC_URL", url)
        words = complaint()
        assert "PUBLIC_URL" in words
        assert "address-secret" not in words


@pytest.mark.parametrize("name", ["ZOHO_API_URL", "ZOHO_ACCOUNTS_URL"])
class TestZohosUrls:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "https://www.zohoapis.com/"])
    def test_an_origin_is_accepted(self, environment: pytest.MonkeyPatch, name: str, url: str) -> None:
        environment.setenv(name, url)
        settings()

    @pytest.mark.parametrize(
        "url",
        [
            "https://www.zohoapis.com/books/v3",
            "https://www.zohoapis.com?token=address-secret",
            "https://user:address-secret@www.zohoapis.com",
            "https://www.zohoapis.com/#address-secret",
        ],
    )
    def test_more_than_an_origin_is_refused_without_its_value(
        self, environment: pytest.MonkeyPatch, name: str, url: str
    ) -> None:
        environment.setenv(name, url)
        words = complaint()
        assert f"{name} must be a scheme and a host" in words
        assert "address-secret" not in words
