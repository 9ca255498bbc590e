"""docs/integrating.md lists the columns of the views as they are declared."""

import re
from pathlib import Path

from db.migrations.host_views import USER_ID, VIEWS, HostView
from tests.tables import table

DOCUMENT = (Path(__file__).parents[2] / "docs" / "integrating.md").read_text(encoding="utf-8")


def lines(view: HostView) -> str:
    head = "| column | type | meaning |\n|---|---|---|\n"
    return head + "".join(
        f"| `{column.name}` | {'that of `users.id`' if column.type == USER_ID else column.type} | {column.meaning} |\n"
        for column in view.columns
    )


@table("view", VIEWS)
def test_the_table_of_a_view_is_its_declaration(view: HostView) -> None:
    (written,) = re.findall(rf"<!-- {view.name} -->\n(.*?)<!-- /{view.name} -->", DOCUMENT, re.DOTALL)
    assert written == lines(view)
