"""Applies faults to the rows of a list and to the record of a detail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

import orjson

from sandbox.zoho.fault_requests import FaultName, FaultParams
from sandbox.zoho.faults import Call, Faults, hostile
from sandbox.zoho.rows import zoho_time
from sandbox.zoho.stats import CallKind


@dataclass(frozen=True, slots=True)
class RowFaults:
    """The faults that change records of one response. `now` is the server's time, `zone` the organisation's zone."""

    faults: Faults
    call: Call
    now: float
    zone: tzinfo

    def dropper(self) -> Callable[[int], bool] | None:
        """Make a predicate for records that a list leaves out; None when no fault makes it leave out any."""
        is_of_persons = self.call.kind is CallKind.BULK_PERSONS
        if not self._has(FaultName.ROW_MISSING) and not (is_of_persons and self._has(FaultName.PERSON_MISSING)):
            return None
        return self._is_dropped

    def corrupter(self) -> Callable[[list[int], Callable[[int], bytes]], list[bytes]] | None:
        """Make a function that alters the rows of a page; None when no fault alters rows."""
        if not self._has(FaultName.HOSTILE_ROW) and not self._has(FaultName.STAMPS_LIE):
            return None
        return lambda ids, row: [self._row(each, row(each), is_first=each == ids[0]) for each in ids]

    def record(self, record: bytes) -> bytes:
        """The record of a detail response as the faults have changed it."""
        record = self._stamped(record, self.call.record_id)
        params = self.faults.take(FaultName.HOSTILE_DETAIL, self.call)
        return record if params is None else hostile(record, params.row, params.salt)

    def _is_dropped(self, record_id: int) -> bool:
        if self.call.kind is CallKind.BULK_PERSONS and self._strikes(FaultName.PERSON_MISSING, record_id, times=1):
            return True
        return self._strikes(FaultName.ROW_MISSING, record_id) is not None

    def _row(self, record_id: int, row: bytes, *, is_first: bool) -> bytes:
        row = self._stamped(row, record_id)
        params = self._strikes(FaultName.HOSTILE_ROW, record_id, or_else=is_first)
        return row if params is None else hostile(row, params.row, params.salt)

    def _stamped(self, row: bytes, record_id: int | str | None) -> bytes:
        params = self._strikes(FaultName.STAMPS_LIE, record_id, or_else=True)
        if params is None:
            return row
        document: dict[str, object] = orjson.loads(row)
        if "last_modified_time" in document:
            ahead = zoho_time(int(self.now + params.seconds), self.zone)
            document["last_modified_time"] = ahead if params.stamp is None else params.stamp
        return orjson.dumps(document)

    def _has(self, name: FaultName) -> bool:
        return self.faults.find(name, self.call) is not None

    def _strikes(
        self, name: FaultName, record_id: int | str | None, *, or_else: bool = False, times: int | None = None
    ) -> FaultParams | None:
        """Count a strike of the first fault that is for the record, and return its parameters; None without one.

        `or_else` says whether a fault that names no records is for this record.
        """
        for fault in self.faults.all_that_fit(name, self.call):
            if fault.chooses(record_id) if fault.names_records else or_else:
                self.faults.strike(fault, times=times)
                return fault.params
        return None
