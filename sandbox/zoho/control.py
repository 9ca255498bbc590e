"""A client of the simulator's control API, for tests, benchmarks and the demo."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.zoho import commands as ask
from sandbox.zoho.fault_requests import FaultName, FaultParams, FaultRequest
from sandbox.zoho.seen import SeenCall, SeenStats
from sandbox.zoho.server_requests import (
    ClientRequest,
    GrantCodeRequest,
    LimitsRequest,
    RestartRequest,
    SaveRequest,
    TokenSettings,
)
from sandbox.zoho.stats import CallKind


class SandboxRefusedError(Exception):
    """The control API refused a request; the message gives the reason."""


class SandboxControl:
    """A client for one organisation of a running simulator (by default the first).

    Methods raise SandboxRefusedError when the simulator does not know a named record or organisation.

        with SandboxControl(url) as zoho:
            contact_id = zoho.create_contact(contact_name="Amber Bakery", persons=[PersonFields(mobile="+1…")])
            zoho.fault(FaultName.ANSWER, status=500, code=1000, times=2)
    """

    def __init__(self, url: str, organization_id: str | None = None) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/_sandbox", timeout=60, trust_env=False)
        self.organization_id = organization_id or self.organization_ids()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def refresh_token(self) -> str:
        """The permanent refresh token of a user that has access to this organisation only."""
        return f"sandbox-refresh-{self.organization_id}"

    def organization_ids(self) -> list[str]:
        return list(self._ask("GET", "/health")["organizations"])

    def snapshot(self) -> dict[str, Any]:
        """The full content of the books: `{organization, contacts: [detail…], invoices: [row…]}`."""
        return self._ask("GET", f"/snapshot/{self.organization_id}")

    def grant_code(
        self,
        scopes: Sequence[str] | None = None,
        organization_ids: Sequence[str] = (),
        *,
        login: str = "",
        data_center: str = "com",
    ) -> str:
        """Get a single-use grant code that is valid for a minute. Codes of one `login` belong to the same person."""
        asked = GrantCodeRequest(
            organization_ids=tuple(organization_ids) or (self.organization_id,),
            scopes=None if scopes is None else tuple(scopes),
            login=login,
            data_center=data_center,
        )
        return str(self._post("/grant-codes", asked)["code"])

    def register_client(self, client_id: str, client_secret: str, data_center: str = "all") -> None:
        """Register an OAuth client, or replace the secret that it has in a data centre."""
        asked = ClientRequest(client_id=client_id, client_secret=client_secret, data_center=data_center)
        self._post("/clients", asked)

    def mutate(self, *mutations: ask.Mutation) -> list[dict[str, Any]]:
        """Make changes to the books in one request; returns one result each, with the ids of created records."""
        batch = ask.MutationBatch(organization_id=self.organization_id, mutations=mutations)
        return list(self._post("/mutations", batch)["results"])

    def create_contact(
        self, persons: Sequence[ask.PersonFields] = (), fields: ask.ContactFields | None = None, **more: Any
    ) -> str:
        """Create a contact and return its id. `more` are ContactFields by name; the first person is the primary one."""
        chosen = fields or ask.ContactFields(**more)
        return str(self.mutate(ask.CreateContact(fields=chosen, persons=tuple(persons)))[0]["contact_id"])

    def edit_contact(self, contact_id: str, **fields: Any) -> None:
        self.mutate(ask.EditContact(contact_id=int(contact_id), fields=ask.ContactFields(**fields)))

    def set_credits(self, contact_id: str, amount: int | str) -> None:
        """Set the contact's unused credits, without moving its `last_modified_time`."""
        self.mutate(ask.SetCredits.model_validate({"contact_id": contact_id, "amount": amount}))

    def set_active(self, contact_id: str, active: bool) -> None:
        self.edit_contact(contact_id, is_active=active)

    def delete_contact(self, contact_id: str, with_invoices: bool = False) -> None:
        self.mutate(ask.DeleteContact(contact_id=int(contact_id), with_invoices=with_invoices))

    def merge_contacts(self, winner_id: str, loser_id: str, stamp_invoices: bool = True) -> None:
        merge = ask.MergeContacts(winner_id=int(winner_id), loser_id=int(loser_id), stamp_invoices=stamp_invoices)
        self.mutate(merge)

    def create_person(self, contact_id: str, primary: bool = False, stamp_contact: bool = True, **fields: Any) -> str:
        """Create a person of a contact and return the person's id."""
        asked = ask.CreatePerson(
            contact_id=int(contact_id),
            fields=ask.PersonFields(**fields),
            primary=primary,
            stamp_contact=stamp_contact,
        )
        return str(self.mutate(asked)[0]["contact_person_id"])

    def edit_person(self, person_id: str, primary: bool = False, stamp_contact: bool = True, **fields: Any) -> None:
        asked = ask.EditPerson(
            contact_person_id=int(person_id),
            fields=ask.PersonFields(**fields),
            primary=primary,
            stamp_contact=stamp_contact,
        )
        self.mutate(asked)

    def delete_person(self, person_id: str, stamp_contact: bool = True) -> None:
        self.mutate(ask.DeletePerson(contact_person_id=int(person_id), stamp_contact=stamp_contact))

    def create_invoice(self, customer_id: str, **fields: Any) -> str:
        """Create an invoice and return its id. `fields` are InvoiceFields by name."""
        asked = ask.CreateInvoice(customer_id=int(customer_id), fields=ask.InvoiceFields(**fields))
        return str(self.mutate(asked)[0]["invoice_id"])

    def edit_invoice(self, invoice_id: str, **fields: Any) -> None:
        """Change an invoice's InvoiceFields by name; the invoice's `last_modified_time` moves."""
        self.mutate(ask.EditInvoice(invoice_id=int(invoice_id), fields=ask.InvoiceFields(**fields)))

    def pay_invoice(self, invoice_id: str, amount: int | str | None = None) -> None:
        """Pay an invoice's whole balance, or only `amount`."""
        self.mutate(ask.PayInvoice.model_validate({"invoice_id": invoice_id, "amount": amount}))

    def void_invoice(self, invoice_id: str) -> None:
        self.mutate(ask.VoidInvoice(invoice_id=int(invoice_id)))

    def delete_invoice(self, invoice_id: str) -> None:
        self.mutate(ask.DeleteInvoice(invoice_id=int(invoice_id)))

    def edit_organization(self, **fields: Any) -> None:
        """Change OrganizationFields by name: name, country, time zone or currency."""
        self.mutate(ask.EditOrganization(fields=ask.OrganizationFields(**fields)))

    def touch(
        self, contact_ids: Sequence[str] = (), invoice_ids: Sequence[str] = (), at: datetime | None = None
    ) -> None:
        """Move a record's `last_modified_time` and nothing else: to the server's current time, or to `at`."""
        contacts, invoices = tuple(map(int, contact_ids)), tuple(map(int, invoice_ids))
        self.mutate(ask.Touch(contact_ids=contacts, invoice_ids=invoices, at=at))

    def crowd(self, count: int = 700, invoices: bool = False) -> list[str]:
        """Make `count` records share one modified time; returns their ids."""
        return list(self.mutate(ask.Crowd(what="invoices" if invoices else "contacts", count=count))[0]["ids"])

    def bulk_import(self, contacts: int, invoices_per_contact: int = 0) -> dict[str, list[str]]:
        """Create thousands of records made within the last few seconds. Returns `{contact_ids, invoice_ids}`."""
        return self.mutate(ask.BulkImport(contacts=contacts, invoices_per_contact=invoices_per_contact))[0]

    def drift(self) -> dict[str, Any]:
        """Make one small change of a random kind."""
        return self.mutate(ask.Drift())[0]

    def fault(
        self,
        name: FaultName,
        *,
        kind: CallKind | None = None,
        path: str | None = None,
        times: int | None = None,
        everywhere: bool = False,
        **params: Any,
    ) -> int:
        """Switch a fault on for this organisation (or all) and return its id. `params` are FaultParams by name.

        Faults of the token endpoint, and faults with `kind` TOKEN, apply to all organisations, because token calls
        name none.
        """
        is_general = everywhere or kind is CallKind.TOKEN or name.value.startswith("token_endpoint")
        asked = FaultRequest(
            name=name,
            params=FaultParams(**params),
            organization_id=None if is_general else self.organization_id,
            kind=kind,
            path=path,
            times=times,
        )
        return int(self._post("/faults", asked)["fault_id"])

    def faults(self) -> list[dict[str, Any]]:
        """The active faults, each with its strikes: how often it has been applied to a call."""
        return list(self._ask("GET", "/faults")["faults"])

    def clear_faults(self, fault_id: int | None = None) -> None:
        self._ask("DELETE", "/faults", params={} if fault_id is None else {"fault_id": fault_id})

    def set_limits(self, **limits: Any) -> None:
        """Change limits of this organisation. The arguments are fields of LimitsRequest by name."""
        self._post("/limits", LimitsRequest(organization_id=self.organization_id, **limits))

    def set_tokens(self, expires_in: int | None = None, max_per_window: int | None = None) -> None:
        self._post("/tokens", TokenSettings(expires_in=expires_in, max_per_window=max_per_window))

    def save(self, state: Path) -> None:
        """Save books and tokens to a file, from which `restart(state=…)` continues. Limits and faults are not saved."""
        self._post("/save", SaveRequest(state=state))

    def restart(self, **options: Any) -> None:
        """Restart the simulator as a new process would start, on the same port.

        The arguments are fields of RestartRequest by name. Afterwards the client talks to the first organisation.

        Books, tokens, limits, faults and counts are new, or books and tokens come from the file `state`. A call
        that hangs ends as it would have without the restart.
        """
        self._post("/restart", RestartRequest(**options))
        self.organization_id = self.organization_ids()[0]

    def stats(self) -> SeenStats:
        document = self._ask("GET", "/stats")
        arrivals = [SeenCall(**{**each, "kind": CallKind(each["kind"])}) for each in document.pop("arrivals")]
        return SeenStats(arrivals=arrivals, **document)

    def reset_stats(self) -> None:
        self._ask("POST", "/stats/reset")

    def _post(self, path: str, document: ask.Document) -> dict[str, Any]:
        # Unset fields must not be sent, because an edit changes every field that it contains.
        return self._ask("POST", path, content=document.model_dump_json(exclude_unset=True))

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        response = self._http.request(method, path, **more)
        if response.is_error:
            raise SandboxRefusedError(f"{method} {path}: HTTP {response.status_code} {response.text[:500]}")
        return dict(response.json())
