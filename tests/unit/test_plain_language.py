"""The language check finds mannerisms in sentences, and only there."""

from pathlib import Path

import pytest

from tests.plain_language import sentences_of

PYTHON = '''"""What nobody takes is sent anew."""

STATEMENT = "SELECT id FROM runs WHERE nobody = 'somebody' AND x"
SHORT = "nobody here"


def test_nobody_is_called():
    print("A message that nobody has taken is sent again")  # Of whom there are none.
'''


def mannered(path: Path) -> list[tuple[str, str]]:
    return [(sentence.kind, sentence.text) for sentence in sentences_of(path) if sentence.is_mannered]


def test_docstrings_comments_test_names_and_texts_of_python_are_read(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(PYTHON)
    assert sorted(mannered(file)) == [
        ("comment", "Of whom there are none."),
        ("docstring", "What nobody takes is sent anew."),
        ("test name", "test nobody is called"),
        ("text", "A message that nobody has taken is sent again"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.md", "Plain. Zoho tells nothing.\n\n```\nnobody\n```\n", [("docs", "Zoho tells nothing.")]),
        ("a.md", "`told` is a key, and [a link](told.md) leads there.", []),
        ("a.sql", "-- Nobody waits.\nSELECT 'nobody waits for this';", [("comment", "Nobody waits.")]),
        ("a.lua", "-- The caller is told.\nreturn 'told'", [("comment", "The caller is told.")]),
        ("a.txt", "Nobody reads this.", []),
    ],
)
def test_only_texts_for_people_are_read_in_each_kind_of_file(
    tmp_path: Path, name: str, text: str, found: list[tuple[str, str]]
) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert mannered(file) == found
