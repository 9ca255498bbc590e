"""Wrong settings of the installation park no connection: the work waits for a process with the right settings."""

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from db import webhook_events
from domain.entities import CUSTOMER
from domain.webhooks import Event, EventKind
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench
from tests.integration.db.look import WITHOUT_COPIES
from workers.boot.resources import Resources
from workers.observability.worker_states import OwnState, WorkerState
from workers.secrets import tokens
from workers.secrets.vault import Vault
from workers.services.resume import parked, resume
from workers.sync.refreshes import refresh_record
from workers.zoho import AccessToken
from workers.zoho.errors import OAuthFailed


def with_wrong_keys(resources: Resources) -> Resources:
    return replace(resources, vault=Vault([SecretStr(Fernet.generate_key().decode())]))


def with_a_wrong_client_secret(resources: Resources) -> Resources:
    settings = resources.settings.model_copy(update={"zoho_client_secret": SecretStr("wrong")})
    return replace(resources, settings=settings)


WRONG = [with_wrong_keys, with_a_wrong_client_secret]


def take_wrongly(bench: Bench, resources: Resources, times: int) -> None:
    """Lets a worker with wrong settings execute the run's present step repeatedly."""
    wrong = replace(bench, resources=resources)
    for _ in range(times):
        bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
        bench.rows(WITHOUT_COPIES + "UPDATE booksync.grants SET access_token_expires_at = now() RETURNING id")
        bench.skip_waiting()
        step = bench.present_step()
        assert step is not None
        wrong.take(step)


@pytest.mark.slow
@pytest.mark.parametrize("set_up", WRONG)
def test_a_run_waits_and_spends_no_attempt(bench: Bench, set_up: object) -> None:
    assert callable(set_up)
    bench.start()
    take_wrongly(bench, set_up(bench.resources), times=12)
    (run,) = bench.rows("SELECT status, attempts, waiting_for FROM booksync.sync_runs")
    assert (run["status"], run["attempts"]) == ("running", 0)
    assert "ENCRYPTION_KEYS" in run["waiting_for"] or "ZOHO_CLIENT_SECRET" in run["waiting_for"]
    assert bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]
    assert bench.rows("SELECT id FROM booksync.dead_letters") == []

    while (step := bench.present_step()) is not None:
        bench.skip_waiting()
        bench.take(step)
    assert bench.rows("SELECT status FROM booksync.sync_runs") == [{"status": "succeeded"}]


@pytest.mark.slow
@pytest.mark.parametrize("set_up", WRONG)
def test_a_refresh_waits_too(bench: Bench, set_up: object) -> None:
    assert callable(set_up)
    bench.sync()
    contact_id = min(bench.customers())
    with bench.resources.engine.begin() as db:
        event = Event("contact", contact_id, EventKind.CHANGED, None, None)
        webhook_events.receive(db, bench.connection_id, event)
    for _ in range(10):
        bench.rows(
            WITHOUT_COPIES
            + """
            UPDATE booksync.grants
               SET access_token_expires_at = now(), refreshed_at = '{}', no_refresh_before = NULL RETURNING id
        """
        )
        bench.rows("UPDATE booksync.refreshes SET not_before = now() RETURNING record_id")
        refresh_record(set_up(bench.resources), str(bench.connection_id), CUSTOMER, contact_id)
    assert bench.rows("SELECT attempts, has_failed FROM booksync.refreshes") == [{"attempts": 0, "has_failed": False}]
    assert bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]


def test_a_refused_client_is_the_state_of_the_worker_until_a_token_is_granted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = OwnState()
    state.set(WorkerState.WORKING)
    monkeypatch.setattr(tokens, "own_state", state)
    bench.start()
    take_wrongly(bench, with_a_wrong_client_secret(bench.resources), times=1)
    assert state.present() is WorkerState.CLIENT_REFUSED
    take_wrongly(bench, bench.resources, times=1)
    assert state.present() is WorkerState.WORKING


class TestResume:
    @pytest.fixture
    def refused(self, bench: Bench) -> Bench:
        """A bench whose grant Zoho has refused, with a parked connection."""
        bench.sync()
        bench.zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
        bench.zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
        assert bench.sync()["status"] == "parked"
        return bench

    @pytest.mark.slow
    def test_a_connection_that_zoho_accepts_again_resumes_without_a_new_grant(self, refused: Bench) -> None:
        refused.zoho.clear_faults()
        refused.rows("UPDATE booksync.grants SET refreshed_at = '{}', no_refresh_before = NULL RETURNING id")
        (resumed,) = resume(refused.resources, parked(refused.resources))
        assert (resumed.connection_id, resumed.was_parked, resumed.refusal) == (refused.connection_id, True, None)
        assert refused.sync()["status"] == "succeeded"

    @pytest.mark.slow
    def test_a_connection_that_zoho_still_refuses_stays_parked_with_the_reason(self, refused: Bench) -> None:
        (resumed,) = resume(refused.resources, parked(refused.resources))
        assert resumed.refusal is not None
        assert "booksync connect" in resumed.refusal
        assert parked(refused.resources) == [refused.connection_id]

    def test_resuming_an_active_connection_costs_no_call(self, bench: Bench) -> None:
        bench.zoho.reset_stats()
        (resumed,) = resume(bench.resources, [bench.connection_id])
        assert not resumed.was_parked
        assert bench.zoho.stats().count() == 0


class TestUnknownWords:
    """Zoho's token endpoint refuses with an error word that booksync does not know."""

    def take(self, bench: Bench) -> None:
        """Executes the present step with an expired token."""
        bench.rows(
            WITHOUT_COPIES
            + """
            UPDATE booksync.grants
               SET access_token_expires_at = now(), refreshed_at = '{}', no_refresh_before = NULL RETURNING id
        """
        )
        bench.skip_waiting()
        step = bench.present_step()
        assert step is not None
        bench.take(step)

    def take_refused(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same, refused with an unknown word."""

        def refused(*_: object) -> AccessToken:
            raise OAuthFailed("POST /oauth/v2/token", status=400, detail="inactive_user")

        with monkeypatch.context() as patched:
            patched.setattr(tokens, "refresh_access_token", refused)
            self.take(bench)

    def failing_for(self, bench: Bench, hours: int) -> None:
        bench.rows(
            "UPDATE booksync.grants SET oauth_failing_since = now() - make_interval(hours => %(hours)s) RETURNING id",
            hours=hours,
        )

    def test_an_unknown_word_parks_only_after_hours_without_a_token(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.start()
        self.take_refused(bench, monkeypatch)
        assert bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]
        self.failing_for(bench, hours=3)
        self.take_refused(bench, monkeypatch)
        (connection,) = bench.rows("SELECT status, parked_reason FROM booksync.zoho_connections")
        assert connection["status"] == "parked"
        assert "inactive_user" in connection["parked_reason"]
        assert "booksync resume" in connection["parked_reason"]

    def test_a_granted_token_ends_the_count_of_hours(self, bench: Bench) -> None:
        self.failing_for(bench, hours=2)
        bench.start()
        self.take(bench)
        assert bench.rows("SELECT oauth_failing_since FROM booksync.grants") == [{"oauth_failing_since": None}]

    def test_hours_of_a_throttled_endpoint_are_not_hours_of_a_word(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.start()
        self.take_refused(bench, monkeypatch)
        self.failing_for(bench, hours=4)
        bench.rows("UPDATE booksync.grants SET oauth_throttled_since = now() - interval '2 hours' RETURNING id")
        self.take_refused(bench, monkeypatch)
        assert bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "active"}]

    def test_a_throttling_in_between_does_not_end_the_hours_of_a_word(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.start()
        self.failing_for(bench, hours=4)
        fault_id = bench.zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED)
        self.take(bench)
        bench.zoho.clear_faults(fault_id)
        self.take_refused(bench, monkeypatch)
        assert bench.rows("SELECT status FROM booksync.zoho_connections") == [{"status": "parked"}]
