"""`/metrics`: for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from workers.web.prometheus import render

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Always 200: what cannot be read is left out, and `booksync_up` says so."""
    return Response(render(request.app.state.resources), media_type=CONTENT_TYPE_LATEST)
