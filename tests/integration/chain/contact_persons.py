"""Contacts with several persons, and changes between two pages of the list of all persons."""

from collections.abc import Sequence

from sandbox.zoho import commands as ask
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.bench import Bench


def contacts_of_three(bench: Bench, count: int) -> list[str]:
    """Creates contacts with three persons and distinct numbers; deleting one shifts pages of persons by three rows."""
    made: list[str] = []
    for first in range(0, count, 500):
        created = bench.zoho.mutate(
            *(
                ask.CreateContact(
                    fields=ask.ContactFields(contact_name=f"Customer {number}", country_code="GB"),
                    persons=tuple(
                        ask.PersonFields(first_name=f"Person {place}", mobile=f"+4479{place}{number:07}")
                        for place in range(3)
                    ),
                )
                for number in range(first, min(first + 500, count))
            )
        )
        made += [str(each["contact_id"]) for each in created]
    return made


def delete_after_call(bench: Bench, number: int, contact_ids: Sequence[str]) -> None:
    """Deletes the contacts right after that call for a page of persons, counted from 1."""
    bench.zoho.fault(
        FaultName.MUTATION_AFTER,
        kind=CallKind.BULK_PERSONS,
        requests=number,
        mutations=[ask.DeleteContact(contact_id=int(contact_id)) for contact_id in contact_ids],
    )
