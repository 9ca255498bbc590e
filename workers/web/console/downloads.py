"""Responses that a browser keeps as a CSV file."""

from collections.abc import Iterator
from itertools import chain

from fastapi.responses import StreamingResponse


def csv_file(name: str, pieces: Iterator[str]) -> StreamingResponse:
    """Return the pieces as a file that is sent while it is read. The first piece is made now.

    So nothing is sent if Postgres does not work: what making the first piece raises passes through.
    """
    return StreamingResponse(
        chain([next(pieces)], pieces),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
