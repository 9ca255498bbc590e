"""`/healthz`: the process answers. `/readyz`: it can do its work, or says what is missing."""

import redis
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import DBAPIError

from db import migrations
from workers.resources import Resources

router = APIRouter()

_OK = "ok"


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Alive. An orchestrator restarts what does not answer this."""
    return {"status": _OK}


@router.get("/readyz")
def readyz(request: Request, response: Response) -> dict[str, str]:
    """200 when database, schema and Redis are all as they must be, else 503 with the check that failed."""
    resources: Resources = request.app.state.resources
    checks = {**_database(resources), "redis": _redis(resources)}
    if any(result != _OK for result in checks.values()):
        response.status_code = 503
    return checks


def _database(resources: Resources) -> dict[str, str]:
    try:
        with resources.engine.connect() as connection:
            is_current = migrations.is_current(connection)
    except DBAPIError:
        return {"database": "does not answer", "schema": "unknown"}
    return {"database": _OK, "schema": _OK if is_current else "not at the expected version: run booksync migrate"}


def _redis(resources: Resources) -> str:
    try:
        resources.redis.ping()
    except redis.RedisError:
        return "does not answer"
    return _OK
