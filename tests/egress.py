"""A host behind an egress proxy: a real CONNECT proxy, a TLS server before the simulator, and a private CA."""

import asyncio
import base64
import contextlib
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: Names that no resolver knows, so that only the proxy reaches them.
API_HOST, ACCOUNTS_HOST = "www.zohoapis.test", "accounts.zoho.test"
USER, PASSWORD = "booksync", "p@ss:word/1"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class PrivateCa:
    """A CA, and the certificate of Zoho's hosts that it has signed."""

    bundle: Path  #: the CA's certificate
    server: ssl.SSLContext  #: of a server with the hosts' names


def private_ca(folder: Path) -> PrivateCa:
    """Make a CA with a certificate for Zoho's hosts and this host."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A private CA")])
    ca = _certificate(ca_name, ca_key, ca_name, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(API_HOST),
            x509.DNSName(ACCOUNTS_HOST),
            x509.IPAddress(ipaddress.ip_address(_LOOPBACK)),
        ]
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, API_HOST)])
    certificate = _certificate(name, key, ca_name, ca_key, names)
    bundle, pair = folder / "ca.pem", folder / "server.pem"
    bundle.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    pair.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pair)
    return PrivateCa(bundle, server)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(issuer_key, hashes.SHA256())
    )


@dataclass
class EgressProxy:
    """A CONNECT proxy. It connects every host with the TLS server, if user and password are right."""

    target_port: int = 0  #: of the TLS server
    refusal: bytes | None = None  #: what it returns instead, such as b"403 Forbidden"; b"" ends the connection
    port: int = 0
    targets: list[str] = field(default_factory=list)  #: the targets of the accepted requests

    @property
    def url(self) -> str:
        return f"http://{USER}:p%40ss%3Aword%2F1@{_LOOPBACK}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            method, target, _ = head.splitlines()[0].split(" ")
            if (refusal := self._refusal(method, head)) is not None:
                if refusal:
                    writer.write(b"HTTP/1.1 " + refusal + b"\r\nContent-Length: 0\r\n\r\n")
                    await writer.drain()
                return
            self.targets.append(target)
            up_reader, up_writer = await asyncio.open_connection(_LOOPBACK, self.target_port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, up_reader, up_writer)

    def _refusal(self, method: str, head: str) -> bytes | None:
        if self.refusal is not None:
            return self.refusal
        credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if f"Proxy-Authorization: Basic {credentials}\r\n".lower() not in head.lower():
            return b"407 Proxy Authentication Required"
        return None if method == "CONNECT" else b"405 Method Not Allowed"


@dataclass(frozen=True)
class Egress:
    """The proxy and the CA of a running network."""

    proxy: EgressProxy
    ca: PrivateCa
    _loop: asyncio.AbstractEventLoop
    _servers: list[asyncio.Server]

    def stop_proxy(self) -> None:
        """End the proxy with all of its connections."""

        async def stop() -> None:
            self._servers[0].close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    def drop_connections(self) -> None:
        """End all tunnels; the proxy goes on."""

        async def drop() -> None:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(10)


@contextmanager
def an_egress(folder: Path, upstream_port: int) -> Iterator[Egress]:
    """Run the proxy, and the TLS server that forwards to the HTTP server at `upstream_port` of this host."""
    ca, proxy = private_ca(folder), EgressProxy()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            up_reader, up_writer = await asyncio.open_connection(_LOOPBACK, upstream_port)
            await _join(reader, writer, up_reader, up_writer)

    async def start() -> list[asyncio.Server]:
        tls = await asyncio.start_server(forward, _LOOPBACK, 0, ssl=ca.server)
        proxy.target_port = tls.sockets[0].getsockname()[1]
        plain = await asyncio.start_server(proxy.serve, _LOOPBACK, 0)
        proxy.port = plain.sockets[0].getsockname()[1]
        return [plain, tls]

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # clients that do not trust the certificate hang up
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    egress = Egress(proxy, ca, loop, servers)
    try:
        yield egress
    finally:
        egress.stop_proxy()
        loop.call_soon_threadsafe(servers[1].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    up_reader: asyncio.StreamReader,
    up_writer: asyncio.StreamWriter,
) -> None:
    """Forward bytes both ways until one side ends."""

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

    ways = [asyncio.ensure_future(copy(reader, up_writer)), asyncio.ensure_future(copy(up_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        up_writer.close()
