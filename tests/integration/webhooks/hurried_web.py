"""A web process with deadlines of SECONDS instead of those of production."""

import os

import uvicorn

from workers.web import connections, request_bodies


def main() -> None:
    connections.CHECK_SECONDS = request_bodies.BODY_SECONDS = float(os.environ["SECONDS"])
    uvicorn.main()
