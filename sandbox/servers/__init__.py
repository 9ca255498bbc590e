"""Embedded Postgres and Valkey servers that start within two seconds and end with the process that started them."""

from sandbox.servers.errors import SandboxError, ServerError
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.valkey import EmbeddedValkey
from sandbox.servers.watched import WatchedProcess

__all__ = ["EmbeddedPostgres", "EmbeddedValkey", "SandboxError", "ServerError", "WatchedProcess"]
