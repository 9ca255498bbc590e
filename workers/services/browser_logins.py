"""What is kept of a browser's way through Zoho's consent: for a quarter of an hour, encrypted, in Redis.

If Redis loses it, the user opens the link again.
"""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import redis

from db.clients import DEFAULT
from workers.secrets.sealed import Sealed
from workers.secrets.vault import Vault
from workers.zoho import Grant, OrganizationFacts

LOGIN_SECONDS = 900


#: A hash with one field, because the documented rights of the Redis user do not have GETDEL.
_FIELD = "login"


@dataclass(frozen=True, slots=True)
class Login:
    """A browser that was sent to Zoho's consent page or has come back from it."""

    link: str = field(repr=False)
    data_center: str
    state: str = field(repr=False)  #: proves that a request comes from a page that this browser was given
    client: str = DEFAULT  #: the name of the client that has made the grant
    grant: Grant | None = None  #: None until the user has consented
    organizations: tuple[OrganizationFacts, ...] = ()

    @classmethod
    def begun(cls, link: str, data_center: str) -> "Login":
        return cls(link, data_center, secrets.token_urlsafe(32))


_SEALED = Sealed(Login, "connect login", max_age_seconds=LOGIN_SECONDS)


class Logins:
    """The logins of all browsers. A login is read once: each step of the way has a new one, under a new name."""

    def __init__(self, client: redis.Redis, vault: Vault) -> None:
        self._redis = client
        self._vault = vault

    def keep(self, login: Login) -> str:
        """Keep a login; return its name for the browser's cookie.

        Raises:
            redis.RedisError: Redis did not accept it.
        """
        name = secrets.token_urlsafe(32)
        sealed = _SEALED.seal(self._vault, login)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_key(name), _FIELD, sealed)
            pipe.pexpire(_key(name), LOGIN_SECONDS * 1000)
            pipe.execute()
        return name

    def take(self, name: str) -> Login | None:
        """Remove the login of this name, and return it; None without one.

        Raises:
            redis.RedisError: Redis does not respond.
        """
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hget(_key(name), _FIELD)
            pipe.delete(_key(name))
            sealed, _ = pipe.execute()
        return None if sealed is None else self._read(sealed)

    def look(self, name: str) -> Login | None:
        """The login of this name, which stays.

        Raises:
            redis.RedisError: Redis does not respond.
        """
        sealed: Any = self._redis.hget(_key(name), _FIELD)
        return None if sealed is None else self._read(sealed)

    def _read(self, sealed: bytes | str) -> Login | None:
        return _SEALED.unseal(self._vault, sealed if isinstance(sealed, str) else sealed.decode())


def _key(name: str) -> str:
    return f"booksync:connect:{sha256(name.encode()).hexdigest()}"
