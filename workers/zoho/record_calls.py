"""How one record is asked for: the record, or the certainty that Zoho has it no longer."""

from collections.abc import Callable
from typing import TypeVar

from domain.lists import Listed, SetAside
from workers.zoho.errors import NotFound, RecordUnreadable, UnusableAnswer
from workers.zoho.fields import record_id
from workers.zoho.stamps import stamp_checked
from workers.zoho.transport import ZohoTransport

RecordT = TypeVar("RecordT", bound=Listed)


def get_record(
    transport: ZohoTransport, path: str, identity: str, key: str, read: Callable[[object], RecordT | SetAside]
) -> RecordT | None:
    """GET `path`/{identity}; None where Zoho itself says that it has no such record.

    An id that no record can have is answered without a call.

    Raises:
        UnusableAnswer: the answer holds no such record, or a 404 is not in Zoho's own words: a gateway's error page
            must not delete a customer.
        RecordUnreadable: the record is there, but cannot be understood. It is not gone.
    """
    if record_id(identity) != identity:
        return None
    try:
        answer = transport.get(f"{path}/{identity}", is_one_record=True)
    except NotFound as error:
        if error.code is None:
            raise UnusableAnswer(error.call, status=error.status) from None
        return None
    record = answer.body.get(key)
    if not isinstance(record, dict):
        raise UnusableAnswer(answer.call, detail=f"no {key} in it")
    outcome = stamp_checked(read, answer.received_at)(record)
    if isinstance(outcome, SetAside):
        raise RecordUnreadable(answer.call, detail=outcome.reason)
    if outcome.record_id != identity:
        raise UnusableAnswer(answer.call, detail=f"another {key} in it")
    return outcome
