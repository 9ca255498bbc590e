"""Promises of `rediss://`: certificates are checked, the address may name a private CA, and mistakes are recognised."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.servers import EmbeddedValkey
from sandbox.servers.ports import LOOPBACK
from tests.integration.redis_access.looking import kind_at, look_at
from tests.integration.redis_access.servers import SentinelNode
from tests.integration.redis_access.tls import Certificate, self_signed, tls_port
from workers.redis_access.refusals import RefusalKind, refusal


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def port(valkey: EmbeddedValkey, redis_url: str, certificate: Certificate) -> Iterator[int]:
    assert redis_url
    with tls_port(certificate, valkey.port) as listening:
        yield listening


def test_the_address_may_name_a_private_ca(port: int, certificate: Certificate) -> None:
    state = look_at(f"rediss://{LOOPBACK}:{port}/0?ssl_ca_certs={certificate.certificate}")
    assert (state.refusal, state.role) == (None, "master")


def test_a_certificate_of_an_unknown_ca_is_recognised(port: int) -> None:
    assert kind_at(f"rediss://{LOOPBACK}:{port}/0") is RefusalKind.UNTRUSTED


def test_a_certificate_for_another_name_is_recognised(port: int, certificate: Certificate) -> None:
    assert kind_at(f"rediss://localhost:{port}/0?ssl_ca_certs={certificate.certificate}") is RefusalKind.UNTRUSTED


def test_the_check_of_the_certificate_can_be_switched_off(port: int) -> None:
    assert kind_at(f"rediss://{LOOPBACK}:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false") is None


def test_a_tls_port_without_rediss_is_recognised(port: int) -> None:
    assert kind_at(f"redis://{LOOPBACK}:{port}/0") in (RefusalKind.NEEDS_TLS, RefusalKind.CLOSED)


def test_rediss_for_a_port_without_tls_names_tls_as_the_cause(valkey: EmbeddedValkey) -> None:
    refusal = look_at(f"rediss://{LOOPBACK}:{valkey.port}/0", timeout_seconds=0.5).refusal
    assert refusal is not None
    assert "rediss://" in str(refusal)


@pytest.mark.slow
def test_sentinels_can_be_reached_by_tls(tmp_path: Path, valkey: EmbeddedValkey, certificate: Certificate) -> None:
    sentinel = SentinelNode(tmp_path, durable=False)
    sentinel.watch(valkey.port)
    with sentinel, tls_port(certificate, sentinel.port) as port:
        address = f"rediss+sentinel://{LOOPBACK}:{port}/{sentinel.service}"
        assert kind_at(address) is RefusalKind.NO_PRIMARY
        # The client trusts the Sentinel's reply, which names the primary's own port without TLS.
        trusting = f"{address}?ssl_ca_certs={certificate.certificate}"
        assert look_at(trusting, timeout_seconds=0.5).refusal == refusal(RefusalKind.SILENT)
