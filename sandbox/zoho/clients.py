"""The registered OAuth clients of the simulated Zoho: each has one secret, or one for each data centre."""

from dataclasses import dataclass, field

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105  # A made-up business has no secrets.
ALL = "all"


def _sandbox_client() -> dict[str, dict[str, str]]:
    return {CLIENT_ID: {ALL: CLIENT_SECRET}}


@dataclass(slots=True)
class Clients:
    """Client id → data centre (or `ALL`) → secret."""

    _secrets: dict[str, dict[str, str]] = field(default_factory=_sandbox_client)

    def register(self, client_id: str, secret: str, data_center: str = ALL) -> None:
        """Register a client, or its secret for a data centre. A present secret is replaced."""
        self._secrets.setdefault(client_id, {})[data_center] = secret

    def knows(self, client_id: str | None) -> bool:
        """Whether the client is registered."""
        return client_id in self._secrets

    def accept(self, client_id: str, secret: str, data_center: str | None) -> bool:
        """Whether this is the client's secret in the data centre.

        A data centre without a secret of its own has the one for all. Without a data centre (the token or code is
        unknown) each of the client's secrets is accepted.
        """
        secrets = self._secrets.get(client_id, {})
        if data_center is None:
            return secret in secrets.values()
        return secret == secrets.get(data_center, secrets.get(ALL))
