"""The proxy for requests to Zoho, and the CAs that its certificates must come from."""

from pathlib import Path

import pytest

from tests.egress import private_ca
from workers.boot.settings import SettingsError, settings


class TestProxy:
    def test_is_kept_secret(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("ZOHO_PROXY_URL", "http://user:proxy-secret@proxy.example:3128")
        assert settings().zoho_proxy_url is not None
        assert "proxy-secret" not in repr(settings())

    @pytest.mark.parametrize("url", ["socks5://u:proxy-secret@proxy.example:1080", "proxy.example:3128", "http://"])
    def test_is_an_http_address(self, environment: pytest.MonkeyPatch, url: str) -> None:
        environment.setenv("ZOHO_PROXY_URL", url)
        with pytest.raises(SettingsError, match="ZOHO_PROXY_URL is not an HTTP proxy") as refused:
            settings()
        assert "proxy-secret" not in str(refused.value)


class TestBundle:
    def test_is_a_file_with_the_certificate_of_a_ca(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        bundle = private_ca(tmp_path).bundle
        environment.setenv("ZOHO_CA_BUNDLE", str(bundle))
        assert settings().zoho_ca_bundle == bundle

    def test_that_is_missing_is_refused_at_the_start(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        environment.setenv("ZOHO_CA_BUNDLE", str(tmp_path / "missing.pem"))
        with pytest.raises(SettingsError, match=r"ZOHO_CA_BUNDLE names a file that this process cannot read \(No such"):
            settings()

    @pytest.mark.parametrize("content", ["", "no certificate\n"])
    def test_without_certificates_is_refused(
        self, environment: pytest.MonkeyPatch, tmp_path: Path, content: str
    ) -> None:
        bundle = tmp_path / "bundle.pem"
        bundle.write_text(content)
        environment.setenv("ZOHO_CA_BUNDLE", str(bundle))
        with pytest.raises(SettingsError, match="ZOHO_CA_BUNDLE is not a file with certificates in PEM form"):
            settings()
