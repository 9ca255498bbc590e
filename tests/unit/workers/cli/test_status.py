"""Promises of workers/cli/status.py: the lines for an operator about unknown countries."""

from io import StringIO
from typing import Any

from workers.cli.status import COUNTRIES_SHOWN, _show_countries
from workers.cli.terminal import Terminal


def shown(*countries: tuple[str, int], country_code: str | None = "IN", total: int | None = None) -> str:
    state: dict[str, Any] = {
        "country_code": country_code,
        "unknown_countries": [{"country": text, "customers": number} for text, number in countries],
        "customers_with_unknown_country": sum(number for _, number in countries) if total is None else total,
    }
    console = Terminal()
    console.file = StringIO()
    _show_countries(state, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_no_line_when_all_countries_are_understood() -> None:
    assert shown() == ""


def test_each_text_has_its_customers() -> None:
    assert shown(("Ruritania", 12), ("Graustark", 1)) == (
        '  Countries that booksync does not understand: "Ruritania" (12 customers), "Graustark" (1 customer). '
        "Next: correct them in Zoho\n"
    )


def test_few_texts_are_named_and_the_others_counted() -> None:
    line = shown(*((f"Country {number}", 1) for number in range(COUNTRIES_SHOWN + 2)), total=100)
    assert f'"Country {COUNTRIES_SHOWN - 1}"' in line
    assert f'"Country {COUNTRIES_SHOWN}"' not in line
    assert "others (95 customers)" in line


def test_text_is_not_read_as_markup() -> None:
    assert '"[bold]x"' in shown(("[bold]x", 1))


def test_organisation_without_a_country_is_reported() -> None:
    assert "booksync does not know the organisation's country" in shown(country_code=None)
