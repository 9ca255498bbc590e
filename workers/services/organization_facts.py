"""Writes the facts that Zoho returns about an organisation to its connection."""

import uuid

from db import organizations
from db.session import Session
from workers.zoho import OrganizationFacts


def write_facts(db: Session, connection_id: uuid.UUID, facts: OrganizationFacts) -> None:
    """Write the organisation's name, time zone, country and currency; see `db.organizations.update_facts`."""
    organizations.update_facts(
        db,
        connection_id,
        name=facts.name,
        time_zone=facts.time_zone,
        country_code=facts.country_code,
        currency_code=facts.currency_code,
    )
