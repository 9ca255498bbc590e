"""Promises for the invoices of gone customers: without proof of the deletion they count for the safeguard."""

import pytest

from domain.deletions import SAFEGUARD_COUNT, Evidence
from domain.entities import CUSTOMER, INVOICE
from domain.runs import Mode
from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.stats import CallKind
from tests.integration.chain.checking import a_minute_passes
from tests.integration.webhooks.hooks import Hooks
from tests.integration.webhooks.losses import delete, held, ids_of, lose, status_of

pytestmark = pytest.mark.slow


def marked(hooks: Hooks) -> set[str]:
    """The ids of invoices that are marked deleted."""
    return {invoice_id for invoice_id, row in hooks.bench.invoices().items() if row["status"] == "deleted"}


class TestInvoicesOfAGoneCustomer:
    """Each customer's 404 requests its open invoices, and each of these has a 404 as well."""

    @pytest.fixture
    def owner(self, hooks: Hooks) -> str:
        """A customer with more open invoices than the safeguard marks."""
        owner = ids_of(hooks, CUSTOMER)[0]
        for _ in range(SAFEGUARD_COUNT + 2):
            hooks.bench.zoho.create_invoice(owner)
        hooks.bench.sync(Mode.FULL)
        return owner

    @pytest.mark.slow
    def test_invoices_count_for_the_safeguard_without_a_deleted_event_of_their_customer(
        self, hooks: Hooks, owner: str
    ) -> None:
        delete(hooks, CUSTOMER, owner)
        hooks.tell(CUSTOMER, owner)
        hooks.work()
        assert status_of(hooks, CUSTOMER, owner) == "deleted"
        assert len(marked(hooks)) == SAFEGUARD_COUNT
        assert set(held(hooks).values()) == {Evidence.OTHER_EVENT}

    @pytest.mark.slow
    def test_invoices_count_for_the_safeguard_if_a_run_marked_their_customer(self, hooks: Hooks, owner: str) -> None:
        delete(hooks, CUSTOMER, owner)
        hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.INVOICES, status=500, code=1000)
        hooks.bench.sync(Mode.FULL)
        assert status_of(hooks, CUSTOMER, owner) == "deleted"
        for row in hooks.bench.rows("SELECT record_id FROM booksync.refreshes WHERE entity = 'invoice'"):
            hooks.take(INVOICE, row["record_id"])
        assert len(marked(hooks)) == SAFEGUARD_COUNT
        assert set(held(hooks).values()) == {Evidence.OTHER_EVENT}

    def test_invoices_are_marked_if_a_deleted_event_names_their_customer(self, hooks: Hooks, owner: str) -> None:
        delete(hooks, CUSTOMER, owner)
        hooks.tell(CUSTOMER, owner, event="deleted")
        hooks.work()
        assert len(marked(hooks)) > SAFEGUARD_COUNT
        assert held(hooks) == {}

    @pytest.mark.slow
    def test_invoices_count_for_the_safeguard_if_their_customer_came_back(self, hooks: Hooks, owner: str) -> None:
        fault = hooks.bench.zoho.fault(FaultName.ANSWER, kind=CallKind.CONTACT, status=404, code=1002)
        hooks.tell(CUSTOMER, owner, event="deleted")
        hooks.work()
        assert status_of(hooks, CUSTOMER, owner) == "deleted"
        hooks.bench.zoho.clear_faults(fault)
        a_minute_passes(hooks.bench)
        hooks.bench.sync(Mode.FULL)
        assert status_of(hooks, CUSTOMER, owner) != "deleted"
        delete(hooks, CUSTOMER, owner)
        a_minute_passes(hooks.bench)
        hooks.tell(CUSTOMER, owner)
        hooks.work()
        assert status_of(hooks, CUSTOMER, owner) == "deleted"
        assert len(marked(hooks)) == SAFEGUARD_COUNT
        assert held(hooks) != {}

    @pytest.mark.slow
    def test_invoices_count_for_the_safeguard_together_with_other_customers_losses(
        self, hooks: Hooks, owner: str
    ) -> None:
        delete(hooks, CUSTOMER, owner)
        hooks.tell(CUSTOMER, owner)
        hooks.work()
        other = str(hooks.bench.zoho.snapshot()["invoices"][0]["invoice_id"])
        hooks.bench.zoho.delete_invoice(other)
        hooks.tell(INVOICE, other)
        hooks.work()
        assert held(hooks)[other] is Evidence.OTHER_EVENT


@pytest.mark.slow
def test_invoices_of_many_customers_without_proof_share_one_safeguard(hooks: Hooks) -> None:
    ids = lose(hooks, CUSTOMER, SAFEGUARD_COUNT + 12)
    hooks.work()
    assert {each for each in ids if status_of(hooks, CUSTOMER, each) != "deleted"} == set(ids[SAFEGUARD_COUNT:])
    assert len(marked(hooks)) == SAFEGUARD_COUNT
    assert set(held(hooks).values()) == {Evidence.OTHER_EVENT}
