"""`/metrics`: the metrics for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from workers.web.prometheus import render
from workers.web.state import resources_of

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return the metrics, always with status 200.

    Metrics of an unavailable server are left out, and the server's `booksync_up` is 0.
    """
    return Response(render(resources_of(request)), media_type=CONTENT_TYPE_LATEST)
