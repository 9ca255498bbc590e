"""The README's queries work on the present schema."""

import re
from pathlib import Path

import psycopg

_README = Path(__file__).parents[3] / "README.md"


def test_an_application_gets_what_the_readme_shows(database: psycopg.Connection) -> None:
    (block,) = re.findall(r"<!-- QUERIES: .*?```sql\n(.*?)```", _README.read_text(encoding="utf-8"), re.DOTALL)
    for statement in block.split("\n\n"):
        assert database.execute(statement).fetchall() == []
