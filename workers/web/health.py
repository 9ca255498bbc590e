"""`/healthz`: the process answers. `/readyz`: it can do its work, or says what is missing."""

import redis
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db import scheduler_marks, webhook_events
from db.migrations import SchemaFit, SchemaState, schema_state
from workers.resources import Resources

router = APIRouter()

_OK = "ok"
_UNKNOWN = "unknown"

#: Ends the report on a schema that is newer, where webhooks can be stored all the same.
_STILL_RECEIVES = "; until then this process receives webhooks"

#: Somebody should look when an event has waited for so long.
EVENT_WAIT_SECONDS = 300.0

#: What this process needs to do its work. The rest is told, but a web process that is taken out of service because
#: another kind of process rests would lose Zoho's webhooks too.
_NEEDED = ("database", "schema", "redis")


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> dict[str, str]:
    """Alive. An orchestrator restarts what does not answer this, so it waits for no thread that others may hold."""
    return {"status": _OK}


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(request: Request, response: Response) -> dict[str, str]:
    """200 when database, schema and Redis are all as they must be, else 503 with the check that failed.

    A newer schema leaves the process ready as long as it can store webhooks: in a rolling deploy the balancer goes on
    sending them here until the new processes are up.
    Whether a scheduler ticks and webhook events are handled is told beside them.
    """
    resources: Resources = request.app.state.resources
    checks = {**_database(resources), "redis": _redis(resources)}
    if any(checks[name] != _OK and not checks[name].endswith(_STILL_RECEIVES) for name in _NEEDED):
        response.status_code = 503
    return checks


def _database(resources: Resources) -> dict[str, str]:
    try:
        with resources.engine.connect() as connection:
            if (state := schema_state(connection)).fit is not SchemaFit.FITS:
                schema = _unfit(connection, state)
                return {"database": _OK, "schema": schema, "scheduler": _UNKNOWN, "webhooks": _UNKNOWN}
            return {
                "database": _OK,
                "schema": _OK,
                "scheduler": _scheduler(connection),
                "webhooks": _webhooks(connection),
            }
    except (DBAPIError, PoolTimeoutError):
        return {"database": "does not answer", "schema": _UNKNOWN, "scheduler": _UNKNOWN, "webhooks": _UNKNOWN}


def _unfit(connection: Connection, state: SchemaState) -> str:
    can_receive = state.fit is SchemaFit.NEWER and webhook_events.can_receive(connection)
    return f"{state.lack}{_STILL_RECEIVES if can_receive else ''}"


def _scheduler(connection: Connection) -> str:
    silence = scheduler_marks.seconds_since(connection, scheduler_marks.TICK)
    if silence is None:
        return "has never ticked"
    return _OK if silence <= scheduler_marks.LONGEST_SILENCE_SECONDS else f"has not ticked for {silence:.0f} s"


def _webhooks(connection: Connection) -> str:
    waits = webhook_events.oldest_waiting_seconds(connection)
    return _OK if waits <= EVENT_WAIT_SECONDS else f"an event has waited for {waits:.0f} s: do workers run?"


def _redis(resources: Resources) -> str:
    try:
        resources.redis.ping()
    except redis.RedisError:
        return "does not answer"
    return _OK
