"""Connections to organisations of the simulator, and the start of their first syncs by worker processes."""

import uuid

from db import runs
from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from workers.boot.resources import Resources
from workers.queue import send_step
from workers.services.connect import connect_organization

#: Longer than any measurement, so that no run counts as overdue.
_SWEEP_SECONDS = 86_400.0


def connect(resources: Resources, url: str, organization_id: str) -> uuid.UUID:
    """Connect an organisation of the simulator for a user of its own."""
    with SandboxControl(url, organization_id) as zoho:
        return connect_organization(
            resources,
            user_id=uuid.uuid4(),
            organization_id=organization_id,
            data_center="com",
            grant_code=zoho.grant_code(),
        ).connection_id


def start(resources: Resources, connection_id: uuid.UUID) -> None:
    """Start a first sync."""
    with resources.engine.begin() as db:
        step = runs.start(db, connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=_SWEEP_SECONDS)
    assert step is not None
    send_step(resources.broker, step)
