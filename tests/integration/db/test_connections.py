"""Promises of db/connections.py: one connection per user and organisation, and what is remembered of it."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from db import connections, parking, pauses, watermarks
from db.connections import Connection, UnknownConnectionError
from db.parking import Parking
from domain.entities import CUSTOMER, INVOICE, Entity
from tests.integration.db.connection_builders import A_DAY_SECONDS, a_connection, a_new_connection, save
from tests.integration.db.look import change, row, rows, until_somebody_waits


def look_up(engine: Engine, connection_id: uuid.UUID) -> Connection:
    with engine.connect() as db:
        return connections.connection(db, connection_id)


class TestSaving:
    def test_two_concurrent_connects_agree_on_the_id_for_their_secrets(self, engine: Engine) -> None:
        new = a_new_connection()

        def id_of_the_second() -> uuid.UUID:
            with engine.begin() as db:
                return connections.id_for(db, new.user_id, new.organization_id)

        with ThreadPoolExecutor() as threads:
            with engine.begin() as db:
                first = connections.id_for(db, new.user_id, new.organization_id)
                second = threads.submit(id_of_the_second)
                until_somebody_waits(engine)
                saved, _ = connections.save(
                    db,
                    replace(new, connection_id=first),
                    sync_interval_seconds=A_DAY_SECONDS,
                    full_sync_interval_seconds=A_DAY_SECONDS,
                )
            assert (saved, second.result()) == (first, first)

    def test_a_new_connection_creates_its_user_and_its_sync_metadata(self, engine: Engine) -> None:
        new = a_new_connection()
        connection_id, webhook_secret = save(engine, new)
        connection = look_up(engine, connection_id)
        assert webhook_secret == new.webhook_secret
        assert (connection.user_id, connection.organization_id, connection.data_center) == (
            new.user_id,
            "10234695",
            "eu",
        )
        assert (connection.time_zone, connection.country_code, connection.is_parked) == ("Europe/London", "GB", False)
        assert (connection.last_customer_sync_at, connection.last_invoice_sync_at) == (None, None)
        assert connection.home.time_zone == "Europe/London"
        assert row(engine, "SELECT user_id, connection_id FROM sync_metadata") == {
            "user_id": new.user_id,
            "connection_id": connection_id,
        }

    def test_an_existing_user_row_stays_unchanged(self, engine: Engine) -> None:
        user_id = uuid.uuid4()
        change(engine, "INSERT INTO users (id) VALUES (:id)", id=user_id)
        save(engine, a_new_connection(user_id=user_id))
        assert rows(engine, "SELECT id FROM users") == [{"id": user_id}]

    def test_connecting_again_revives_the_same_connection(self, engine: Engine) -> None:
        new = a_new_connection()
        first_id, _ = save(engine, new)
        with engine.begin() as db:
            parking.park(db, look_up(engine, first_id), "Zoho no longer knows the refresh token.")
            watermarks.set_watermark(db, first_id, CUSTOMER, dt.datetime(2026, 3, 2, tzinfo=dt.UTC), is_proven=True)
        changed = replace(
            new,
            refresh_token="refresh-2",
            access_token="access-2",
            data_center="com",
            time_zone="UTC",
            country_code="US",
        )
        again_id, _ = save(engine, changed)
        connection = look_up(engine, again_id)
        assert again_id == first_id
        assert (connection.is_parked, connection.parked_reason) == (False, None)
        assert (connection.data_center, connection.time_zone, connection.country_code) == ("com", "UTC", "US")
        assert connection.last_customer_sync_at == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
        stored = row(engine, "SELECT * FROM booksync.zoho_connections")
        assert (stored["refresh_token_encrypted"], stored["access_token_encrypted"]) == ("refresh-2", "access-2")

    def test_the_first_webhook_secret_stays_because_zohos_rules_contain_it(self, engine: Engine) -> None:
        new = a_new_connection()
        save(engine, new)
        _, webhook_secret = save(engine, replace(new, webhook_secret="webhook-2"))
        assert webhook_secret == "webhook-1"

    def test_each_pair_of_user_and_organisation_has_its_own_connection(self, engine: Engine) -> None:
        user_id = uuid.uuid4()
        made = {
            save(engine, a_new_connection(user_id=user_id))[0],
            save(engine, a_new_connection(user_id=user_id, organization_id="20234695"))[0],
            save(engine, a_new_connection())[0],
        }
        assert len(made) == 3

    def test_two_concurrent_connects_get_the_same_connection(self, engine: Engine) -> None:
        new = a_new_connection()
        with ThreadPoolExecutor(4) as threads:
            made = {future.result()[0] for future in [threads.submit(save, engine, new) for _ in range(4)]}
        assert len(made) == 1

    def test_the_error_names_an_unknown_connection(self, engine: Engine) -> None:
        missing = uuid.uuid4()
        with pytest.raises(UnknownConnectionError, match=str(missing)):
            look_up(engine, missing)


class TestWhatIsRemembered:
    def test_a_parked_connection_stores_the_reason(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            parking.park(db, connection, "Zoho no longer knows the refresh token.")
        parked = look_up(engine, connection.connection_id)
        assert (parked.is_parked, parked.parked_reason) == (True, "Zoho no longer knows the refresh token.")

    def test_a_parked_connection_stores_the_time_until_it_is_resumed(
        self, engine: Engine, connection: Connection
    ) -> None:
        def parked_at() -> object:
            return row(engine, "SELECT parked_at FROM booksync.zoho_connections")["parked_at"]

        with engine.begin() as db:
            parking.park(db, connection, "The first.")
        since = parked_at()
        assert since is not None
        with engine.begin() as db:
            assert pauses.pause(db, connection.connection_id, None)
        with engine.begin() as db:
            assert pauses.end_pause(db, connection.connection_id)
        assert parked_at() == since
        with engine.begin() as db:
            parking.resume(db, connection.connection_id)
        assert parked_at() is None

    def test_the_first_reason_for_parking_stays(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            assert parking.park(db, connection, "The first.") is Parking.PARKED
            assert parking.park(db, connection, "The second.") is Parking.ALREADY
        assert look_up(engine, connection.connection_id).parked_reason == "The first."

    def test_refused_old_credentials_do_not_park_a_renewed_connection(self, engine: Engine) -> None:
        new = a_new_connection()
        connection_id, _ = save(engine, new)
        old = look_up(engine, connection_id)
        save(engine, replace(new, refresh_token="refresh-2"))
        with engine.begin() as db:
            assert parking.park(db, old, "Zoho no longer knows the refresh token.") is Parking.REVIVED
        found = look_up(engine, connection_id)
        assert (found.is_parked, found.parked_reason) == (False, None)

    def test_each_kind_has_its_own_watermark(self, engine: Engine, connection: Connection) -> None:
        other = a_connection(engine, user_id=connection.user_id, organization_id="20234695")
        one, two = dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
        with engine.begin() as db:
            watermarks.set_watermark(db, connection.connection_id, CUSTOMER, one, is_proven=True)
            watermarks.set_watermark(db, connection.connection_id, INVOICE, two, is_proven=True)
        found = look_up(engine, connection.connection_id)
        assert (found.last_customer_sync_at, found.last_invoice_sync_at) == (one, two)
        assert look_up(engine, other.connection_id).last_customer_sync_at is None

    @pytest.mark.parametrize("entity", [CUSTOMER, INVOICE])
    def test_an_unproven_read_is_recorded_and_the_next_walk_starts_where_it_started(
        self, engine: Engine, connection: Connection, entity: Entity
    ) -> None:
        first, second, third, fourth = (dt.datetime(2026, 3, day, tzinfo=dt.UTC) for day in (1, 2, 3, 4))
        found = []
        for moment, is_proven in [(first, False), (second, False), (third, False), (fourth, True)]:
            with engine.begin() as db:
                watermarks.set_watermark(db, connection.connection_id, entity, moment, is_proven=is_proven)
                starts = watermarks.watermark(db, connection.connection_id, entity)
            known = look_up(engine, connection.connection_id)
            found.append((starts, known.last_customer_sync_at if entity is CUSTOMER else known.last_invoice_sync_at))
        # A first read has no earlier start.
        assert found == [(first, first), (first, second), (first, third), (fourth, fourth)]

    def test_a_full_sync_is_recorded(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            watermarks.note_full_sync(db, connection.connection_id)
        assert row(engine, "SELECT last_full_sync_at <= now() AS noted FROM sync_metadata")["noted"]

    def test_a_refused_bulk_list_is_remembered_for_a_week(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            watermarks.note_persons_refusal(db, connection.connection_id)
        assert look_up(engine, connection.connection_id).bulk_persons_refused
        change(
            engine, "UPDATE booksync.zoho_connections SET bulk_persons_refused_at = now() - interval '7 days 1 minute'"
        )
        assert not look_up(engine, connection.connection_id).bulk_persons_refused

    def test_a_bulk_read_records_its_cost_and_ends_a_refusal(self, engine: Engine, connection: Connection) -> None:
        with engine.begin() as db:
            watermarks.note_persons_refusal(db, connection.connection_id)
            watermarks.note_bulk_read(db, connection.connection_id, pages=3)
        found = look_up(engine, connection.connection_id)
        assert (found.persons_pages, found.bulk_persons_refused) == (3, False)
