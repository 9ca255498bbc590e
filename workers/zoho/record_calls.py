"""Reads one record of Zoho by its id: returns the record, or None only if Zoho itself reports it as missing."""

from collections.abc import Callable
from typing import TypeVar

from domain.lists import Listed, Rejected
from workers.zoho.errors import NotFound, RecordUnreadable, UnusableResponse
from workers.zoho.fields import record_id
from workers.zoho.records import stamp_checked
from workers.zoho.transport import ZohoTransport

RecordT = TypeVar("RecordT", bound=Listed)


def get_record(
    transport: ZohoTransport, path: str, identity: str, key: str, read: Callable[[object], RecordT | Rejected]
) -> RecordT | None:
    """GET `path`/{identity} and read the record; None if Zoho itself reports that it has no such record.

    An id that no record can have returns None without a call.

    Raises:
        BudgetWait, ZohoError: see `ZohoTransport.get`.
        UnusableResponse: the response has no record or another one, or a 404 has no code of Zoho's. Such a 404 may be
            a gateway's error page, by which no record may be deleted.
        RecordUnreadable: the record exists, but cannot be understood.
    """
    if record_id(identity) != identity:
        return None
    try:
        response = transport.get(f"{path}/{identity}", is_one_record=True)
    except NotFound as error:
        if error.code is None:
            raise UnusableResponse(error.call, status=error.status) from None
        return None
    record = response.body.get(key)
    if not isinstance(record, dict):
        raise UnusableResponse(response.call, detail=f"no {key} in the response")
    outcome = stamp_checked(read, response.received_at)(record)
    if isinstance(outcome, Rejected):
        raise RecordUnreadable(response.call, detail=outcome.reason)
    if outcome.record_id != identity:
        raise UnusableResponse(response.call, detail=f"another {key} in the response")
    return outcome
