"""The simulator's credit notes: its transport serves /creditnotes, and passes every other call to the simulator."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx

PATH = "/books/v3/creditnotes"
GONE = {"code": 1002, "message": "Credit note does not exist."}


class CreditNotesTransport(httpx.BaseTransport):
    """Adds credit notes to the simulator. `records` maps their ids to Zoho's JSON; `calls` are the paths asked for."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.records: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.is_broken = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if not path.startswith(PATH):
            return self._inner.handle_request(request)
        self.calls.append(path.removeprefix("/books/v3"))
        if self.is_broken:
            return self._respond({"code": 9999}, status=500)
        if path == PATH:
            return self._respond(self._page(request.url.params))
        record = self.records.get(path.removeprefix(f"{PATH}/"))
        return self._respond({"creditnote": record}) if record else self._respond(GONE, status=404)

    def close(self) -> None:
        self._inner.close()

    def put(self, record_id: str, **changes: Any) -> dict[str, Any]:
        """Makes or edits a credit note at the present time."""
        made = {"creditnote_id": record_id, "creditnote_number": f"CN-{record_id}", "status": "open", "total": 100}
        stamp = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        self.records[record_id] = {**self.records.get(record_id, made), **changes, "last_modified_time": stamp}
        return self.records[record_id]

    def _page(self, params: httpx.QueryParams) -> dict[str, Any]:
        since = params.get("last_modified_time")
        rows = sorted(self.records.values(), key=lambda row: (row["last_modified_time"], row["creditnote_id"]))
        rows = [row for row in rows if since is None or _moment(row["last_modified_time"]) >= _moment(since)]
        page, length = int(params["page"]), int(params["per_page"])
        context = {"page": page, "per_page": length, "has_more_page": len(rows) > page * length}
        return {"creditnotes": rows[(page - 1) * length : page * length], "page_context": context}

    def _respond(self, body: dict[str, Any], *, status: int = 200) -> httpx.Response:
        now = dt.datetime.now(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return httpx.Response(status, json={"code": 0, "message": "success", **body}, headers={"Date": now})


_moment: Callable[[str], dt.datetime] = dt.datetime.fromisoformat
