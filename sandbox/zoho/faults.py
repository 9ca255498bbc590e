"""The faults that a test has switched on: which fault is applied to which call, and how often (strikes)."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count

import orjson

from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest, HostileRow
from sandbox.zoho.mutated_rows import mutated
from sandbox.zoho.shares import is_in_share
from sandbox.zoho.stats import CallKind

FIVE_MEGABYTES = 5 * 1024 * 1024

ROW_FAULTS = frozenset({FaultName.ROW_MISSING, FaultName.HOSTILE_ROW, FaultName.STAMPS_LIE})
"""Faults whose `share` chooses records within a response. Other faults choose calls by the id in the path."""


@dataclass(frozen=True, slots=True)
class Call:
    """The facts of a call by which the faults for it are chosen."""

    kind: CallKind
    path: str
    organization_id: str

    @property
    def record_id(self) -> str | None:
        """The record id at the end of the call's path; None when the call is for a list."""
        name = self.path.rpartition("/")[2]
        return name if name.isdecimal() else None


@dataclass(slots=True)
class Fault:
    fault_id: int
    request: FaultRequest
    strikes: int = 0
    seen: int = 0

    @property
    def params(self) -> FaultParams:
        return self.request.params

    def fits(self, call: Call) -> bool:
        asked = self.request
        return (
            asked.organization_id in (None, call.organization_id)
            and asked.kind in (None, call.kind)
            and (asked.path is None or fnmatchcase(call.path, asked.path))
            and (self.params.share is None or asked.name in ROW_FAULTS or self.chooses(call.record_id))
        )

    @property
    def names_records(self) -> bool:
        return self.params.record_id is not None or self.params.share is not None

    def chooses(self, record_id: int | str | None) -> bool:
        """Whether the fault is for this record: the record is in the fault's `share`, or is its `record_id`."""
        params = self.params
        if record_id is None:
            return False
        if params.share is not None:
            return is_in_share(record_id, params.share, params.salt)
        return str(params.record_id) == str(record_id)


@dataclass(slots=True)
class Faults:
    _active: dict[FaultName, list[Fault]] = field(default_factory=dict)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def switch_on(self, request: FaultRequest) -> int:
        fault = Fault(next(self._ids), request)
        self._active.setdefault(request.name, []).append(fault)
        return fault.fault_id

    def clear(self, fault_id: int | None = None) -> None:
        """Switch off one fault, or all."""
        for name, faults in list(self._active.items()):
            kept = [each for each in faults if fault_id is not None and each.fault_id != fault_id]
            self._replace(name, kept)

    def find(self, name: FaultName, call: Call) -> Fault | None:
        """The first fault called `name` that matches the call; None without one. No strike is counted."""
        return next((each for each in self._active.get(name, ()) if each.fits(call)), None)

    def all_that_fit(self, name: FaultName, call: Call) -> list[Fault]:
        """Every fault called `name` that matches the call. No strike is counted."""
        return [each for each in self._active.get(name, ()) if each.fits(call)]

    def take(self, name: FaultName, call: Call) -> FaultParams | None:
        """Count a strike of the first fault that matches the call, and return its parameters; None without one."""
        fault = self.find(name, call)
        if fault is None:
            return None
        self.strike(fault)
        return fault.params

    def strike(self, fault: Fault, times: int | None = None) -> None:
        """Count a strike of the fault. The fault ends after the strikes that its request allows, else after `times`."""
        fault.strikes += 1
        limit = fault.request.times or times
        if limit is not None and fault.strikes >= limit:
            self.clear(fault.fault_id)

    def of_organization(self, name: FaultName, organization_id: str) -> FaultParams | None:
        """The parameters of a fault that is a state of the whole organisation, not of one call; None without one."""
        for fault in self._active.get(name, ()):
            if fault.request.organization_id in (None, organization_id):
                return fault.params
        return None

    def clock_shift(self) -> float:
        return sum(fault.params.seconds for fault in self._active.get(FaultName.CLOCK_SHIFTED, ()))

    def revoked_organizations(self, known: frozenset[str]) -> frozenset[str]:
        """The organisations whose refresh tokens a fault has revoked; all of `known` when the fault names none."""
        faults = self._active.get(FaultName.REFRESH_TOKEN_REVOKED, ())
        named = {fault.request.organization_id for fault in faults}
        return known if None in named else frozenset(each for each in named if each is not None)

    def due_mutations(self, call: Call) -> list[Fault]:
        """Count the call for each matching `mutation_after` fault, and return the faults whose changes are due now."""
        due = []
        for fault in list(self._active.get(FaultName.MUTATION_AFTER, ())):
            if fault.fits(call):
                fault.seen += 1
                if fault.seen >= fault.params.requests:
                    fault.seen = 0
                    self.strike(fault, times=1)
                    due.append(fault)
        return due

    def listed(self) -> list[dict[str, object]]:
        return [
            {"fault_id": each.fault_id, "strikes": each.strikes, **each.request.model_dump(mode="json")}
            for faults in self._active.values()
            for each in faults
        ]

    def _replace(self, name: FaultName, faults: list[Fault]) -> None:
        if faults:
            self._active[name] = faults
        else:
            self._active.pop(name, None)


def hostile(row: bytes, kind: HostileRow, salt: str = "") -> bytes:
    """A malformed version of a list's row or of a detail's record."""
    if kind is HostileRow.NOT_AN_OBJECT:
        return b"null"
    if kind is HostileRow.MUTATED:
        return mutated(row, salt)
    document: dict[str, object] = orjson.loads(row)
    id_key = next(key for key in ("contact_person_id", "invoice_id", "contact_id") if key in document)
    name_key = next(key for key in ("contact_name", "customer_name") if key in document)
    match kind:
        case HostileRow.MISSING_ID:
            del document[id_key]
        case HostileRow.NULL_ID:
            document[id_key] = None
        case HostileRow.BROKEN_TIME:
            document["last_modified_time"] = "yesterday, around noon"
        case HostileRow.HUGE_NAME:
            document[name_key] = "x" * FIVE_MEGABYTES
        case HostileRow.NUL_IN_NAME:
            document[name_key] = "before\u0000after"
        case HostileRow.LONE_SURROGATE:
            document[name_key] = "surrogate-here"
            return orjson.dumps(document).replace(b"surrogate-here", rb"broken \ud800 emoji")
        case HostileRow.WRONG_TYPES:
            document |= {
                name_key: ["a", "list"],
                "last_modified_time": 17,
                "status": {},
                "balance": "lots",
                "phone": 5.5,
            }
    return orjson.dumps(document)
