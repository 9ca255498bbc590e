"""`booksync phones check` as other programs run it: with nothing but its input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.installation import PROGRAMS, PROJECT

#: Texts that must be read as one of these numbers, or be refused: country, text, right numbers.
_CASES = [
    # A plus that is missing at home, and one from abroad.
    ("AT", "436649384756", {"+436649384756"}),
    ("DE", "336 12 93 84 75", set()),
    # A number in a spreadsheet's notation.
    ("SE", "701938475.0", {"+46701938475"}),
    ("FI", "3.58409E+11", set()),
    # A second extension, a second number, a list mark, office hours, a mask.
    ("AT", "01/9384756-10/11", {"+4319384756", "+43193847561", "+431938475610", "+431938475611"}),
    ("FR", "01 42 68 53 00 / 06 12 93 84 75", {"+33142685300"}),
    ("DE", "3) 0171 9384756", {"+491719384756"}),
    ("DE", "030 9384756 (8-16 Uhr)", {"+49309384756"}),
    ("IT", "06 9384XXXX", set()),
    # Letters instead of digits, and a text without a number.
    ("GB", "O7912 384756", set()),
    ("GB", "see notes", set()),
    # A country by name, and one that is not understood.
    ("Korea, Republic of", "010-9384-7561", {"+821093847561"}),
    ("Ruritania", "0912 938 4756", set()),
]


def run(
    *words: str, given: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [str(PROGRAMS / "booksync"), "phones", "check", *words]
    return subprocess.run(command, input=given, env=environment or {}, cwd=PROJECT, capture_output=True, timeout=60)


def answers(given: bytes, **variables: str) -> list[dict[str, Any]]:
    done = run("--json", given=given, environment=variables)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_no_text_becomes_another_number() -> None:
    given = "".join(f"{country}\t{text}\n" for country, text, _ in _CASES)
    found = answers(given.encode())
    for (country, text, right), answer in zip(_CASES, found, strict=True):
        assert (answer["country"], answer["text"]) == (country, text)
        assert answer["e164"] in right | {None}, text
        assert (answer["e164"] is None) == (answer["problem"] is not None)


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}])
def test_the_result_does_not_depend_on_the_environment(variables: dict[str, str]) -> None:
    (answer,) = answers("Österreich\tBüro 01 9384756\n".encode(), **variables)
    assert (answer["country"], answer["text"], answer["e164"]) == ("Österreich", "Büro 01 9384756", "+4319384756")


def test_an_argument_in_another_encoding_has_a_result() -> None:
    command = [bytes(PROGRAMS / "booksync"), b"phones", b"check", b"--json", b"B\xfcro 030 9384756"]
    done = subprocess.run(command, env={}, cwd=PROJECT, capture_output=True, timeout=60)
    assert (done.returncode, json.loads(done.stdout)["text"]) == (0, "B�ro 030 9384756")


@pytest.mark.slow
def test_the_command_ends_quietly_when_its_reader_closes(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"+442070313000\n" * 50_000)
    command = f"'{PROGRAMS / 'booksync'}' phones check < '{lines}' | head -1"
    done = subprocess.run(
        ["sh", "-c", command], env={"PATH": "/usr/bin:/bin"}, cwd=PROJECT, capture_output=True, timeout=60
    )
    assert done.stdout.startswith(b"text")
    assert done.stderr == b""


def test_results_are_printed_line_by_line() -> None:
    command = [str(PROGRAMS / "booksync"), "phones", "check", "--json"]
    with subprocess.Popen(command, env={}, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in (b"+442070313000", b"ask Bob"):
            process.stdin.write(text + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text.decode()
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.mark.slow
def test_the_command_loads_no_library_for_database_or_queue() -> None:
    program = """
import sys
from workers.cli import main
sys.argv = ["booksync", "phones", "check", "+442070313000"]
try:
    main()
finally:
    print(sorted({"sqlalchemy", "psycopg", "redis", "dramatiq", "httpx"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], env={}, cwd=PROJECT, capture_output=True, timeout=60)
    assert done.stdout.splitlines()[-1] == b"[]"
