"""The demo's command line."""

from pathlib import Path

import pytest

from sandbox.demo.command import read_options
from sandbox.demo.options import Options


def test_default_folder_and_size_without_options() -> None:
    assert read_options([]) == Options(folder=Path(".demo"))


def test_every_option_is_read() -> None:
    words = ["--once", "--json", "--fresh", "--contacts", "0", "--invoices", "7", "--folder", "there"]
    assert read_options(words) == Options(
        folder=Path("there"), once=True, as_json=True, fresh=True, contacts=0, invoices=7
    )


@pytest.mark.parametrize("words", [["--contacts", "many"], ["--invoices", "-1"], ["--unheard-of"]])
def test_wrong_usage_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        read_options(words)
    assert left.value.code == 2
    assert "usage: python -m sandbox.demo" in capsys.readouterr().err
