"""The requests by which tests switch on faults over the control API, as JSON documents."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from sandbox.zoho.commands import Document, Mutation
from sandbox.zoho.stats import CallKind


class FaultName(StrEnum):
    LATENCY = "latency"  #: The response takes `seconds` longer.
    ANSWER = "answer"  #: Responds with `status` and `code` (and `retry_after` seconds, when given).
    HANG = "hang"  #: Sends no response: drops the connection after `seconds`.
    RESET = "reset"  #: Drops the connection, `where` = before | middle of the body.
    GARBAGE = "garbage"  #: Responds with `status` and a `body` that is truncated, html or text.
    BOMB = "bomb"  #: The response is a `bomb`, too large to read.
    MODIFIED_FILTER_IGNORED = "modified_filter_ignored"  #: `last_modified_time` filters nothing.
    LIST_EMPTY = "list_empty"  #: A list returns no rows.
    SORT_IGNORED = "sort_ignored"  #: Lists come in their default order.
    PAGE_LENGTH_REFUSED = "page_length_refused"  #: Lists refuse any `per_page` but the maximum (code 2).
    BULK_PERSONS_REFUSED = "bulk_persons_refused"  #: `status` 404 (code 5) or 401 (code 57).
    INACTIVE_PERSONS_OMITTED = "inactive_persons_omitted"  #: The bulk list lacks inactive contacts' persons.
    PERSON_MISSING = "person_missing"  #: The bulk list drops `record_id` from its page, once unless `times` is given.
    ROW_MISSING = "row_missing"  #: Lists drop the row of `record_id`, or a `share` of the rows.
    DETAIL_FACTS_OMITTED = "detail_facts_omitted"  #: Details lack the reminder switch and the addresses.
    DUPLICATE_ROWS = "duplicate_rows"  #: A list returns every `every`-th record twice.
    LATE_VISIBILITY = "late_visibility"  #: Lists show a change `seconds` after its stamp; details at once.
    HOSTILE_ROW = "hostile_row"  #: Lists have `row` in place of rows (`record_id`, a `share`, else the first).
    HOSTILE_DETAIL = "hostile_detail"  #: A detail has `row` in place of its record.
    STAMPS_LIE = "stamps_lie"  #: `stamp` replaces `last_modified_time` of `record_id`, a `share` or all records.
    MUTATION_AFTER = "mutation_after"  #: `mutations` happen right after the `requests`-th matching call, once.
    REFRESH_TOKEN_REVOKED = "refresh_token_revoked"  # noqa: S105  #: The token endpoint answers invalid_code.
    ACCESS_TOKENS_EXPIRED = "access_tokens_expired"  #: All valid access tokens expire now; an event, not a state.
    TOKEN_ENDPOINT_DOWN = "token_endpoint_down"  # noqa: S105  #: `status` (503) and an HTML page.
    TOKEN_ENDPOINT_THROTTLED = "token_endpoint_throttled"  # noqa: S105  #: HTTP 400 Access Denied.
    CLOCK_SHIFTED = "clock_shifted"  #: The server's clock is `seconds` ahead, or behind (Date header and stamps).
    DATE_HEADER_LIES = "date_header_lies"  #: The Date header is `date`, else `seconds` ahead; stamps are right.


class Bomb(StrEnum):
    GZIP = "gzip"  #: A response with one content coding; a megabyte inflates to a gigabyte.
    NESTED_GZIP = "nested_gzip"  #: Two content codings; a few kilobytes inflate to a gigabyte.
    MANY_CODINGS = "many_codings"  #: A hundred content codings around the normal body.
    PLAIN = "plain"  #: 9 MB without a content coding.
    ENDLESS = "endless"  #: Chunks without end.
    HEADERS = "headers"  #: A header of 2 MB.


class HostileRow(StrEnum):
    MISSING_ID = "missing_id"
    NULL_ID = "null_id"
    BROKEN_TIME = "broken_time"
    HUGE_NAME = "huge_name"  #: 5 MB.
    NUL_IN_NAME = "nul_in_name"
    LONE_SURROGATE = "lone_surrogate"
    WRONG_TYPES = "wrong_types"
    NOT_AN_OBJECT = "not_an_object"
    MUTATED = "mutated"  #: One key of the row has another value; the row's id determines key and value.


class FaultParams(Document):
    """The parameters of all faults; each fault uses only a few."""

    seconds: float = 1.0
    status: int | None = None
    code: int = 0
    message: str = "Injected by the sandbox"
    retry_after: int | None = None
    where: Literal["before", "middle"] = "before"
    body: Literal["truncated", "html", "text"] = "html"
    record_id: int | None = None
    share: float | None = Field(None, gt=0, le=1)
    """The share of the records, chosen by id: a chosen record is struck in every call, any other in none."""
    salt: str = ""
    """A text by which records are chosen: another salt chooses other records for the same share."""
    row: HostileRow = HostileRow.MISSING_ID
    bomb: Bomb = Bomb.GZIP
    stamp: str | None = None
    """Literal text; None: the server's current time plus `seconds`."""
    date: str | None = None
    """Literal text, which may be `""`; None: the server's current time plus `seconds`."""
    every: int = Field(10, gt=0)
    requests: int = Field(1, gt=0)
    mutations: tuple[Mutation, ...] = ()


class FaultRequest(Document):
    """A fault for calls of `organization_id` and `kind` whose path (without `/books/v3`) matches the glob `path`.

    The fault ends after it has been applied `times` times (strikes); without `times` it stays until it is cleared.
    """

    name: FaultName
    params: FaultParams = FaultParams()
    organization_id: str | None = None
    kind: CallKind | None = None
    path: str | None = None
    times: int | None = Field(None, gt=0)
