"""The former names of JSON keys. For one release the output has the former and the present names."""

from typing import Any, Final

_FORMER: Final = {
    "failures": "deaths",
    "first_failed_at": "first_died_at",
    "last_failed_at": "last_died_at",
    "rejected": "set_aside",
    "waiting_invoices": "skipped_invoices",
}


def with_former_keys(value: Any) -> Any:
    """Return a copy of the value in which every renamed key also appears under its former name."""
    if isinstance(value, list):
        return [with_former_keys(each) for each in value]
    if not isinstance(value, dict):
        return value
    present = {key: with_former_keys(each) for key, each in value.items()}
    return present | {_FORMER[key]: each for key, each in present.items() if key in _FORMER}
