"""`/healthz`: the process is alive. `/readyz`: the process can do its work, or the response names what is missing."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from db import event_history, processes, scheduler_marks, webhook_events
from db.failures import DatabaseError, failure_of
from db.migrations.revisions import SchemaFit, SchemaState, schema_state
from db.session import Session
from domain.processes import Kind, Processes
from workers.boot.resources import Resources
from workers.boot.servers import RedisState, look_at_postgres, look_at_redis
from workers.observability.worker_states import WorkerReport, known_reports
from workers.secrets.keys import WrongKeysError, prove_keys
from workers.services.doctor.processes import ProcessFacts, check_workers
from workers.services.doctor.webhooks import EVENT_WAIT_SECONDS
from workers.web.state import resources_of
from workers.web.throttled_log import ThrottledLog

router = APIRouter()

_failures = ThrottledLog(
    "Postgres cannot be used, so /readyz reports that this process is not ready", action="readyz.no_database"
)

_OK = "ok"
_UNKNOWN = "unknown"

#: The end of the report on a newer schema, if webhooks can still be stored.
_STILL_RECEIVES = "; until then this process receives webhooks"

#: The checks that decide about status 503: what this web process itself needs. Other checks are only reported, because
#: a web process that is taken out of service for another process's failure would lose Zoho's webhooks too.
_NEEDED = ("database", "schema", "keys", "redis")


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> dict[str, str]:
    """Report that the process is alive.

    The response needs no thread of the pool. Otherwise an orchestrator would restart a process whose threads are busy.
    """
    return {"status": _OK}


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(request: Request, response: Response) -> dict[str, str]:
    """Return 200 if the checks of database, schema, keys and Redis pass, else 503. The body has each check's result.

    With a newer schema the process stays ready as long as it can store webhooks. In a rolling deploy the load balancer
    then keeps sending webhooks to this process until the new processes are up. The scheduler, the workers, waiting
    webhook events and Redis's eviction policy are reported too.
    """
    resources = resources_of(request)
    rows, database = _database(resources)
    checks = {**database, **_redis(resources, rows)}
    if any(checks[name] not in (_OK, _UNKNOWN) and not checks[name].endswith(_STILL_RECEIVES) for name in _NEEDED):
        response.status_code = 503
    return checks


def _database(resources: Resources) -> tuple[Processes, dict[str, str]]:
    """Return the rows of the processes (none if they cannot be read) and the results of Postgres's checks."""
    no_rows = Processes((), datetime.now(UTC))
    unknown = {"schema": _UNKNOWN, "keys": _UNKNOWN, "scheduler": _UNKNOWN, "webhooks": _UNKNOWN}
    try:
        with resources.engine.connect() as db:
            database = look_at_postgres(db).problem or _OK
            if (state := schema_state(db)).fit is not SchemaFit.FITS:
                return no_rows, unknown | {"database": database, "schema": _unfit(db, state)}
            return processes.read(db), {
                "database": database,
                "schema": _OK,
                "keys": _keys(db, resources),
                "scheduler": _scheduler(db),
                "webhooks": _webhooks(db),
            }
    except DatabaseError as error:
        failure = failure_of(error)
        _failures.warning(kind=failure.kind, reason=failure.sentence(resources.engine.url))
        return no_rows, unknown | {"database": failure.brief}


def _unfit(db: Session, state: SchemaState) -> str:
    can_receive = state.fit is SchemaFit.NEWER and webhook_events.can_receive(db)
    return f"{state.lack}{_STILL_RECEIVES if can_receive else ''}"


def _keys(db: Session, resources: Resources) -> str:
    try:
        prove_keys(db, resources.vault)
    except WrongKeysError as error:
        return str(error)
    return _OK


def _scheduler(db: Session) -> str:
    silence = scheduler_marks.seconds_since(db, scheduler_marks.TICK)
    if silence is None:
        return "has never ticked"
    return _OK if silence <= scheduler_marks.LONGEST_SILENCE_SECONDS else f"has not ticked for {silence:.0f} s"


def _webhooks(db: Session) -> str:
    waits = event_history.oldest_waiting_seconds(db)
    return _OK if waits <= EVENT_WAIT_SECONDS else f"an event has waited for {waits:.0f} s: do workers run?"


def _redis(resources: Resources, rows: Processes) -> dict[str, str]:
    state = look_at_redis(resources.redis)
    return {
        "redis": state.refusal.brief if state.refusal else _OK,
        "redis_memory": _memory(state),
        "workers": _workers(resources, rows, known_reports(resources.redis) if state.responds else None),
    }


def _workers(resources: Resources, rows: Processes, found: list[WorkerReport] | None) -> str:
    facts = ProcessFacts(rows, found, None, resources.settings.claim_seconds)
    if troubles := check_workers(facts):
        return "; ".join(trouble.public for trouble in troubles)
    return _UNKNOWN if found is None and not rows.running(Kind.WORKER) else _OK


def _memory(state: RedisState) -> str:
    if state.warning is not None:
        return state.warning
    return _OK if state.maxmemory_policy is not None else _UNKNOWN
