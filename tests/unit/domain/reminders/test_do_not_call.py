"""A number for a do-not-call list is one number with its country prefix, however it is written."""

import pytest

from domain.reminders.do_not_call import UnreadableNumberError, number_in
from tests.tables import table


@table(
    "text",
    ["+442070313000", "0044 20 7031 3000", "+44 (0)20 7031-3000", " +44.20.7031.3000 "],
)
def test_one_number_is_read(text: str) -> None:
    assert number_in(text) == "+442070313000"


@table(
    "text",
    [
        # The second number would still be called.
        "+442070313000 / +442079460000",
        "+442070313000, +442079460000",
        "+442070313000; +442079460000",
        "+442070313000\n+442079460000",
        "+442070313000 +442079460000",
        # Without a country prefix.
        "020 7031 3000",
        "not a number",
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableNumberError, match="country prefix"):
        number_in(text)
