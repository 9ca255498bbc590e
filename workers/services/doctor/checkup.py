"""The result of the doctor: all findings, the parts in which all is well, and the parts that were not checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.services.doctor.findings import Finding, Part, Severity

_ORDER = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, errors first, then in the order of the parts."""

    findings: Sequence[Finding]
    unchecked: Mapping[Part, str] = field(default_factory=dict)  #: part → why it was not checked

    @classmethod
    def of(cls, findings: Iterable[Finding], unchecked: Mapping[Part, str]) -> "Checkup":
        parts = list(Part)
        ordered = sorted(findings, key=lambda each: (_ORDER[each.severity], parts.index(each.part)))
        return cls(ordered, unchecked)

    @property
    def well(self) -> Sequence[Part]:
        """The parts that were checked and have no finding."""
        ill = {each.part for each in self.findings}
        return [part for part in Part if part not in ill and part not in self.unchecked]

    @property
    def is_well(self) -> bool:
        """Whether there is no error; warnings may be there."""
        return not self.count(Severity.ERROR)

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The checkup as JSON: {ok, errors, warnings, findings, well, unchecked}."""
        return {
            "ok": self.is_well,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "findings": [each.as_json() for each in self.findings],
            "well": list(self.well),
            "unchecked": {part.value: why for part, why in self.unchecked.items()},
        }
