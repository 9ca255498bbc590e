"""Lets a connection use its new grant, together with the connections that shared its former one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from db import grants, parking
from db import secrets as stored_secrets
from db.secrets import Place, SecretName
from db.session import Session
from workers.secrets.grants import adopt, write_copies
from workers.secrets.servers import sealed
from workers.secrets.vault import Vault
from workers.services.grant_sources import GrantSource

#: Zoho keeps this many refresh tokens of one user and client; a further one revokes the oldest.
GRANTS_OF_LOGIN = 20

#: A person is warned from this number on.
_MANY_GRANTS = 18


@dataclass(frozen=True, slots=True)
class Sharing:
    """The effect of a connect on grants."""

    revived: Sequence[uuid.UUID]  #: the other connections that were parked and work again
    grants_of_login: int  #: the number of grants that booksync has for the organisations that the login sees

    @property
    def is_near_limit(self) -> bool:
        """Whether Zoho may soon revoke the oldest grant. Zoho counts per login, which booksync can only estimate."""
        return self.grants_of_login >= _MANY_GRANTS


def share_grant(
    db: Session,
    vault: Vault,
    connection_id: uuid.UUID,
    source: GrantSource,
    *,
    former_grant_id: uuid.UUID | None,
    organization_ids: Sequence[str],
) -> Sharing:
    """Give the saved connection its grant, move its siblings to the same grant, and resume those that are parked.

    Siblings are the connections that shared the former grant, or that share the new one, and whose organisation the
    new token sees. `organization_ids` are all organisations that it sees.
    """
    grant_id = adopt(db, vault, connection_id)
    of_either = [each for each in (former_grant_id, grant_id) if each is not None]
    revived = []
    for sibling in grants.siblings(db, connection_id, of_either, organization_ids):
        if sibling.grant_id != grant_id:
            _move(db, vault, sibling.connection_id, source, like=connection_id)
        if sibling.is_parked:
            parking.resume(db, sibling.connection_id)
            revived.append(sibling.connection_id)
    write_copies(db, vault, grant_id)
    if former_grant_id is not None:
        grants.delete_unused(db, former_grant_id)
    counted = grants.count(db, client=source.client, data_center=source.data_center, organization_ids=organization_ids)
    return Sharing(revived, counted)


def _move(db: Session, vault: Vault, moved: uuid.UUID, source: GrantSource, *, like: uuid.UUID) -> None:
    place = Place(SecretName.REFRESH_TOKEN, moved)
    encrypted = vault.encrypt(source.refresh_token, place, like=stored_secrets.example(db))
    grants.move(db, moved, refresh_token=encrypted, servers=sealed(vault, source.urls, moved), like=like)
