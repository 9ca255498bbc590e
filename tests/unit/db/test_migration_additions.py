"""The columns that an earlier release has added, inferred from the order of a table's columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.migrations.additions import _EARLIER_COLUMNS, added_columns

ALL = [(table, column) for table, batch in _EARLIER_COLUMNS for column in batch]

#: The first added column of a table directly follows the older application's last one, so an older column with its name
#: and position looks the same. Values in a connection_id would have violated its foreign key.
FIRST = {("invoices_cache", "connection_id"), ("sync_metadata", "connection_id"), ("reminders", "day")}


def upgraded(theirs: set[tuple[str, str]], *, dropped: int = 0) -> dict[str, dict[str, int]]:
    """The columns of tables that had the columns `theirs`, after all revisions of an earlier release."""
    tables: dict[str, list[str]] = {"users": ["id"], "invoices_cache": ["id"], "reminders": ["id"], "sync_metadata": []}
    for table, column in sorted(theirs):
        tables[table].append(column)
    for table, batch in _EARLIER_COLUMNS:
        tables[table] += [f"dropped_{number}" for number in range(dropped)]
        tables[table] += [column for column in batch if (table, column) not in theirs]
    return {table: {column: number for number, column in enumerate(names, start=1)} for table, names in tables.items()}


def test_without_older_columns_of_these_names_all_columns_were_added() -> None:
    assert set(added_columns(upgraded(set()))) == set(ALL)


@given(theirs=st.sets(st.sampled_from([each for each in ALL if each not in FIRST])), dropped=st.integers(0, 2))
def test_an_older_column_is_never_treated_as_added(theirs: set[tuple[str, str]], dropped: int) -> None:
    assert not set(added_columns(upgraded(theirs, dropped=dropped))) & theirs


@given(theirs=st.sets(st.sampled_from([each for each in ALL if each not in FIRST]), max_size=2))
def test_an_added_column_is_recognised_unless_its_whole_revision_added_none(theirs: set[tuple[str, str]]) -> None:
    assert set(added_columns(upgraded(theirs))) == set(ALL) - theirs


@pytest.mark.parametrize("batches", range(len(_EARLIER_COLUMNS)))
def test_a_partly_upgraded_database_has_the_columns_of_its_revisions(batches: int) -> None:
    tables = upgraded(set())
    later = {(table, column) for table, batch in _EARLIER_COLUMNS[batches:] for column in batch}
    reached = {
        table: {column: number for column, number in columns.items() if (table, column) not in later}
        for table, columns in tables.items()
    }

    assert set(added_columns(reached)) == set(ALL) - later
