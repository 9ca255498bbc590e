"""A route whose responses are counted for `/metrics`, with their durations."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from workers.web.state import resources_of


class CountedRoute(APIRoute):
    """Counts each response by its status. Work in the background after the response does not count."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        respond = super().get_route_handler()

        async def counted(request: Request) -> Response:
            began, status = time.monotonic(), 500
            try:
                response = await respond(request)
                status = response.status_code
                return response
            except HTTPException as refusal:
                status = refusal.status_code
                raise
            finally:
                resources_of(request).counters.webhook(status, time.monotonic() - began)

        return counted
