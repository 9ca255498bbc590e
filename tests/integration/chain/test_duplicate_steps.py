"""Messages of steps that come twice, late, or from a worker that seemed dead: each step is done once."""

import pytest

from db.runs import StepRef
from domain.runs import MAX_ATTEMPTS, Phase
from tests.integration.chain.bench import Bench


class TestDuplicates:
    """Messages that come twice, late, or from a worker that seemed dead."""

    @pytest.fixture
    def at_contacts(self, bench: Bench) -> tuple[Bench, StepRef]:
        bench.start()
        while (step := bench.present_step()) is not None and step.phase is not Phase.CONTACTS:
            bench.take(step)
        assert step is not None
        return bench, step

    def test_a_duplicate_of_a_finished_step_does_nothing(self, at_contacts: tuple[Bench, StepRef]) -> None:
        bench, step = at_contacts
        bench.take(step)
        calls = bench.zoho.stats().count()
        bench.take(step)
        assert bench.zoho.stats().count() == calls

    def test_a_leased_step_is_not_executed(self, at_contacts: tuple[Bench, StepRef]) -> None:
        bench, step = at_contacts
        bench.rows("UPDATE booksync.sync_runs SET claimed_until = now() + interval '1 minute' RETURNING id")
        calls = bench.zoho.stats().count()
        bench.take(step)
        assert bench.zoho.stats().count() == calls
        assert bench.present_step() == step

    def test_a_dead_workers_step_is_acquired_after_its_lease_has_expired(
        self, at_contacts: tuple[Bench, StepRef]
    ) -> None:
        bench, step = at_contacts
        bench.rows(
            "UPDATE booksync.sync_runs SET claimed_until = now() - interval '1 second', attempts = 1 RETURNING id"
        )
        bench.take(step)
        assert bench.present_step() != step

    def test_a_step_that_kills_its_process_is_given_up(self, at_contacts: tuple[Bench, StepRef]) -> None:
        bench, step = at_contacts
        bench.rows("UPDATE booksync.sync_runs SET attempts = %(attempts)s RETURNING id", attempts=MAX_ATTEMPTS)
        bench.take(step)
        run = bench.rows("SELECT phase, degraded_reason FROM booksync.sync_runs")[0]
        assert run["phase"] == Phase.INVOICES
        assert "ended its process" in run["degraded_reason"]
