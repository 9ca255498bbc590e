"""docs/glossary.md names only files, tables and columns that exist."""

import re
from pathlib import Path

from db.models import Base

PROJECT = Path(__file__).parents[2]
QUOTED = sorted(set(re.findall(r"`([^`]+)`", (PROJECT / "docs" / "glossary.md").read_text())))
COLUMNS = {f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns}
NAMES = {part for column in COLUMNS for part in (column, *column.split("."))}


def test_a_named_file_exists() -> None:
    assert [word for word in QUOTED if "/" in word and not (PROJECT / word).exists()] == []


def test_a_named_table_or_column_exists() -> None:
    assert {word for word in QUOTED if re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", word)} <= NAMES
