"""States of a database that many tests start from. Each is made once a session, for the first test that asks for it."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from alembic import command

from db.migrations.revisions import Target
from db.migrations.runner import alembic_config, migrate
from sandbox.servers import EmbeddedPostgres
from tests.databases import TEMPLATE
from tests.integration.migrations.applications import Database, a_legacy_database, opened


@dataclass(frozen=True)
class State:
    """What a change makes of a copy of a former state. The change gets the copy's URL and an open connection to it."""

    change: Callable[[str, Database], object]
    former: "State | None" = None  #: None: an empty database


def to(target: Target) -> Callable[[str, Database], object]:
    """The change that migrates to this target."""
    return lambda url, _: migrate(url, target)


def to_revision(revision: str) -> Callable[[str, Database], object]:
    """The change that upgrades to this revision."""

    def upgrade(url: str, _: Database) -> None:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DATABASE_URL", url)
            command.upgrade(alembic_config(), revision)

    return upgrade


#: A database without any table.
EMPTY = State(lambda *_: None)
#: The tables of each phase, without rows.
LEGACY = State(to(Target.LEGACY))
PHASE1 = State(to(Target.PHASE1), LEGACY)
PHASE2 = State(to(Target.PHASE2), PHASE1)
HEAD = State(to(Target.HEAD))
#: The same with the rows of `a_legacy_database`, which have been through all phases.
LEGACY_ROWS = State(a_legacy_database)
PHASE1_ROWS = State(to(Target.PHASE1), LEGACY_ROWS)
PHASE2_ROWS = State(to(Target.PHASE2), PHASE1_ROWS)
HEAD_ROWS = State(to(Target.HEAD), PHASE2_ROWS)
#: Tables with rows that were never adopted.
UNSTAMPED = State(lambda _, database: database.rows("DROP TABLE booksync_alembic_version"), LEGACY_ROWS)


class States:
    """The states on one server, as databases to copy."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._templates = {EMPTY: "template1", HEAD: TEMPLATE}

    @contextmanager
    def copy(self, state: State) -> Iterator[str]:
        """The URL of a database in this state, which is dropped at the end."""
        name = f"migrations_{uuid.uuid4().hex}"
        yield self._postgres.create_database(name, template=self._template(state))
        self._postgres.drop_database(name)

    def _template(self, state: State) -> str:
        if state not in self._templates:
            name = f"state_{uuid.uuid4().hex}"
            url = self._postgres.create_database(name, template=self._template(state.former or EMPTY))
            with opened(url) as database:
                state.change(url, database)
            self._templates[state] = name
        return self._templates[state]
