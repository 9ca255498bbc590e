"""Promises of db/api_use.py and db/budget_waits.py: budget state without Redis, and work that waits for budget."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from db import api_use, budget_waits, runs
from db.api_use import StoredPause
from db.budget_waits import BroughtForward
from db.connections import Connection, UnknownConnectionError
from db.runs import StepRef
from tests.integration.db.look import change, row
from tests.integration.db.stepping import leased, the_run
from workers.services.find_connection import find_organizations

ORGANIZATION = "10234695"
HOUR = 3600.0


def pause(engine: Engine, seconds: float, reason: str = "day", *, is_probed: bool = True) -> None:
    with engine.begin() as db:
        api_use.note_pause(db, ORGANIZATION, seconds, reason, is_probed=is_probed)


def left(engine: Engine) -> StoredPause | None:
    with engine.connect() as db:
        return api_use.pause_left(db, ORGANIZATION)


class TestPauses:
    def test_a_pause_is_stored_with_its_probing_call(self, engine: Engine) -> None:
        pause(engine, HOUR)
        found = left(engine)
        assert found is not None
        assert found.seconds == pytest.approx(HOUR, abs=10)
        assert found.reason == "day"
        assert found.seconds_since_probe == pytest.approx(0, abs=10)

    def test_a_shorter_pause_does_not_replace_a_longer_one(self, engine: Engine) -> None:
        pause(engine, HOUR)
        pause(engine, 60, "minute", is_probed=False)
        found = left(engine)
        assert found is not None
        assert found.seconds == pytest.approx(HOUR, abs=10)
        assert found.reason == "day"

    def test_an_ended_pause_is_replaced(self, engine: Engine) -> None:
        pause(engine, HOUR)
        change(engine, "UPDATE booksync.api_use SET paused_until = now() - interval '1 second'")
        assert left(engine) is None
        pause(engine, 60, "minute", is_probed=False)
        found = left(engine)
        assert found is not None
        assert found.reason == "minute"

    def test_a_probe_is_stored(self, engine: Engine) -> None:
        pause(engine, HOUR)
        change(engine, "UPDATE booksync.api_use SET probed_at = now() - interval '1 hour'")
        with engine.begin() as db:
            api_use.note_probe(db, ORGANIZATION)
        found = left(engine)
        assert found is not None
        assert found.seconds_since_probe == pytest.approx(0, abs=10)

    def test_a_lifted_pause_is_deleted(self, engine: Engine) -> None:
        pause(engine, HOUR)
        with engine.begin() as db:
            api_use.forget_pause(db, ORGANIZATION)
        assert left(engine) is None
        assert row(engine, "SELECT probed_at FROM booksync.api_use")["probed_at"] is None


class TestOrganizations:
    @pytest.fixture(autouse=True)
    def another(self, engine: Engine) -> None:
        """An organisation whose connection is gone."""
        change(engine, "INSERT INTO booksync.api_use (organization_id) VALUES ('20000001')")

    def test_all_organisations_with_a_connection_are_returned(self, engine: Engine, connection: Connection) -> None:
        with engine.connect() as db:
            assert api_use.organizations(db) == [connection.organization_id]

    def called(self, engine: Engine, name: str) -> Sequence[str]:
        with engine.connect() as db:
            return find_organizations(db, name)

    def test_an_organisation_is_found_by_its_number_or_by_a_connection_id(
        self, engine: Engine, connection: Connection
    ) -> None:
        connection_id = str(connection.connection_id)
        for name in (connection.organization_id, connection_id, connection_id.upper(), connection_id[:8]):
            assert self.called(engine, name) == [connection.organization_id]

    @pytest.mark.usefixtures("connection")
    def test_an_organisation_without_a_connection_is_found_by_its_number(self, engine: Engine) -> None:
        assert self.called(engine, "20000001") == ["20000001"]

    @pytest.mark.usefixtures("connection")
    @pytest.mark.parametrize("name", ["", "1", "nothing", "%", "____"])
    def test_an_unknown_name_is_an_error(self, engine: Engine, name: str) -> None:
        with pytest.raises(UnknownConnectionError):
            self.called(engine, name)


class TestBringForward:
    def wait(self, engine: Engine, step: StepRef, waiting_for: str) -> None:
        with engine.begin() as db:
            runs.release(db, leased(engine, step), wait_seconds=HOUR, waiting_for=waiting_for, sweep_seconds=15)

    def bring_forward(self, engine: Engine, organization_id: str = ORGANIZATION) -> BroughtForward:
        with engine.begin() as db:
            return budget_waits.bring_forward(db, organization_id)

    def test_a_run_that_waits_for_the_budget_becomes_due(self, engine: Engine, step: StepRef) -> None:
        self.wait(engine, step, "API budget (day)")
        assert self.bring_forward(engine) == BroughtForward(runs=1, records=0)
        run = the_run(engine)
        assert run["not_before"] is None
        assert run["swept_in_seconds"] <= 0

    def test_a_run_that_waits_for_a_retry_keeps_its_time(self, engine: Engine, step: StepRef) -> None:
        self.wait(engine, step, "another attempt")
        assert self.bring_forward(engine) == BroughtForward(runs=0, records=0)

    def test_a_run_of_another_organisation_keeps_its_time(self, engine: Engine, step: StepRef) -> None:
        self.wait(engine, step, "API budget (day)")
        assert self.bring_forward(engine, "20000001") == BroughtForward(runs=0, records=0)

    def test_a_record_that_waits_for_the_budget_becomes_due(self, engine: Engine, connection: Connection) -> None:
        change(
            engine,
            """
            INSERT INTO booksync.refreshes (connection_id, entity, record_id, received, not_before, waiting_for)
            VALUES (:connection_id, 'contact', '460000000026049', 1, now() + interval '1 hour', 'API budget (day)')
            """,
            connection_id=connection.connection_id,
        )
        assert self.bring_forward(engine) == BroughtForward(runs=0, records=1)
        assert row(engine, "SELECT not_before <= now() AS is_due FROM booksync.refreshes")["is_due"]
