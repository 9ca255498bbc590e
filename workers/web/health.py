"""`/healthz`: the process answers. `/readyz`: it can do its work, or says what is missing."""

import redis
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from db import scheduler_marks, webhook_events
from db.failures import DatabaseError, failure_of
from db.migrations import SchemaFit, SchemaState, schema_state
from workers.boot.resources import Resources
from workers.boot.servers import RedisState, look_at_postgres, look_at_redis
from workers.observability.worker_states import NONE_REPORTS, reports, troubles
from workers.secrets.keys import WrongKeysError, prove_keys
from workers.web.throttled_log import ThrottledLog

router = APIRouter()

_failures = ThrottledLog("Postgres cannot be used", action="readyz.no_database")

_OK = "ok"
_UNKNOWN = "unknown"

#: Ends the report on a schema that is newer, where webhooks can be stored all the same.
_STILL_RECEIVES = "; until then this process receives webhooks"

#: Somebody should look when an event has waited for so long.
EVENT_WAIT_SECONDS = 300.0

#: What this process needs to do its work. The rest is told, but a web process that is taken out of service because
#: another kind of process rests would lose Zoho's webhooks too.
_NEEDED = ("database", "schema", "keys", "redis")


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> dict[str, str]:
    """Alive. An orchestrator restarts what does not answer this, so it waits for no thread that others may hold."""
    return {"status": _OK}


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(request: Request, response: Response) -> dict[str, str]:
    """200 when database, schema, keys and Redis are all as they must be, else 503 with the check that failed.

    A newer schema leaves the process ready as long as it can store webhooks: in a rolling deploy the balancer goes on
    sending them here until the new processes are up.
    Whether a scheduler ticks, workers do their work, webhook events are handled and Redis keeps its messages is
    reported too.
    """
    resources: Resources = request.app.state.resources
    checks = {**_database(resources), **_redis(resources)}
    if any(checks[name] not in (_OK, _UNKNOWN) and not checks[name].endswith(_STILL_RECEIVES) for name in _NEEDED):
        response.status_code = 503
    return checks


def _database(resources: Resources) -> dict[str, str]:
    unknown = {"schema": _UNKNOWN, "keys": _UNKNOWN, "scheduler": _UNKNOWN, "webhooks": _UNKNOWN}
    try:
        with resources.engine.connect() as connection:
            database = look_at_postgres(connection).problem or _OK
            if (state := schema_state(connection)).fit is not SchemaFit.FITS:
                return unknown | {"database": database, "schema": _unfit(connection, state)}
            return {
                "database": database,
                "schema": _OK,
                "keys": _keys(connection, resources),
                "scheduler": _scheduler(connection),
                "webhooks": _webhooks(connection),
            }
    except DatabaseError as error:
        failure = failure_of(error)
        _failures.warning(kind=failure.kind, reason=failure.sentence(resources.engine.url))
        return unknown | {"database": failure.brief}


def _unfit(connection: Connection, state: SchemaState) -> str:
    can_receive = state.fit is SchemaFit.NEWER and webhook_events.can_receive(connection)
    return f"{state.lack}{_STILL_RECEIVES if can_receive else ''}"


def _keys(connection: Connection, resources: Resources) -> str:
    try:
        prove_keys(connection, resources.vault)
    except WrongKeysError as error:
        return str(error)
    return _OK


def _scheduler(connection: Connection) -> str:
    silence = scheduler_marks.seconds_since(connection, scheduler_marks.TICK)
    if silence is None:
        return "has never ticked"
    return _OK if silence <= scheduler_marks.LONGEST_SILENCE_SECONDS else f"has not ticked for {silence:.0f} s"


def _webhooks(connection: Connection) -> str:
    waits = webhook_events.oldest_waiting_seconds(connection)
    return _OK if waits <= EVENT_WAIT_SECONDS else f"an event has waited for {waits:.0f} s: do workers run?"


def _redis(resources: Resources) -> dict[str, str]:
    state = look_at_redis(resources.redis)
    return {
        "redis": state.refusal.brief if state.refusal else _OK,
        "redis_memory": _memory(state),
        "workers": _workers(resources) if state.answers else _UNKNOWN,
    }


def _workers(resources: Resources) -> str:
    try:
        found = reports(resources.redis)
    except redis.RedisError:
        return _UNKNOWN
    if not found:
        return NONE_REPORTS
    return "; ".join(trouble.sentence for trouble in troubles(found)) or _OK


def _memory(state: RedisState) -> str:
    if state.warning is not None:
        return state.warning
    return _OK if state.maxmemory_policy is not None else _UNKNOWN
