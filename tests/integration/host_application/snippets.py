"""The code blocks of docs/integrating.md."""

import re
from pathlib import Path

_DOCUMENT = (Path(__file__).parents[3] / "docs" / "integrating.md").read_text(encoding="utf-8")


def snippets(heading: str, language: str) -> list[str]:
    """The blocks in this language below a heading, up to the next heading."""
    found = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", _DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return re.findall(rf"^```{language}\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
