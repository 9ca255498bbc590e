"""Promises of domain/phones/successors.py: a number that a later one of its text has replaced is an old number."""

import pytest

from domain.phones import NotCallable
from domain.phones.judging import judge
from domain.phones.successors import has_successor
from tests.tables import table


@table(
    ("region", "text"),
    [
        ("GB", "020 7031 3000 changed to 020 7946 0000"),
        ("GB", "020 7031 3000 updated to 020 7946 0000"),
        ("GB", "020 7031 3000, replaced by 020 7946 0000"),
        ("GB", "020 7031 3000, now: 020 7946 0000"),
        ("GB", "was 020 7031 3000 now 020 7946 0000"),
        ("GB", "020 7031 3000 / new number: 020 7946 0000"),
        ("GB", "020 7031 3000 (currently 020 7946 0000)"),
        ("DE", "030 22730000 (neu: 0171 2345678)"),
        ("DE", "030 22730000, neue Nummer lautet 030 22730001"),
        ("DE", "030 22730000 ersetzt durch 030 22730001"),
        ("FR", "01.42.68.53.00 / nouveau 01.42.68.53.01"),
        ("ES", "912 345 678 / 600 123 456 (nuevo)"),
        ("ES", "912 345 678 ahora es 600 123 456"),
        ("RU", "8 495 123-45-67 сменился на 8 495 123-45-68"),
        ("CN", "010 6552 9988 改为 010 6552 9989"),
        ("CN", "010 6552 9988 新号码 010 6552 9989"),
        ("TH", "02 123 4567 เบอร์ใหม่ 02 123 4568"),
        # Numbers with slashes, groups of 00, and dashes between two numbers.
        ("DE", "07031/123456 neu 07031/654321"),
        ("FR", "01 53 00 20 20 nouveau 01 42 68 53 01"),
        ("GB", "020 7031 3000 - 020 7946 0000 (new)"),
        # Several words, before or after the newer number.
        ("GB", "020 7031 3000 / 020 7946 0000 (new number)"),
        ("GB", "020 7031 3000 (office) new: 020 7946 0000"),
        ("DE", "030 22730000 / 030 22730001 (neue Nummer)"),
        ("GB", "020 7031 3000 changed to 020 7946 0000 (do not use old number)"),
    ],
)
def test_a_replaced_number_is_an_old_number(region: str, text: str) -> None:
    verdict = judge(text, region)
    assert (verdict.problem, verdict.not_callable) == (None, NotCallable.OLD_NUMBER)


@table(
    ("region", "text"),
    [
        # The text has one number.
        ("GB", "new: 020 7031 3000"),
        ("GB", "020 7031 3000 (new)"),
        ("DE", "0049 (0)1512 3456789 (neu)"),
        ("DE", "+49 (0) 30 22730000-1234 neu"),
        ("BR", "0055 (0) 11 91234-5678 novo"),
        ("DE", "0049 171/2345678 (neu)"),
        ("DE", "+49 (0)7031/1234567 neu"),
        ("GB", "020 7031 3000, now +44 20 7031 3000"),
        # The other digits are a date, hours, a postcode, a customer number or an extension.
        ("GB", "020 7031 3000 new since 01.02.2023"),
        ("GB", "020 7031 3000 (new 12.05.24)"),
        ("GB", "020 7031 3000 (changed 20240501)"),
        ("GB", "020 7031 3000 (now open 9.00-17.00)"),
        ("GB", "020 7031 3000 (new customer 1234567)"),
        ("GB", "020 7031 3000 now with ext 12"),
        ("DE", "030 22730000 (neu seit 01. 05. 2024)"),
        ("DE", "030 22730000 (jetzt 8.00-16.00 Uhr)"),
        ("IN", "022 2266 1234 (moved to 400001 Mumbai)"),
        # The first number is the newer one.
        ("GB", "020 7031 3000 (neu), 020 7946 0000"),
        ("GB", "new 020 7031 3000, old 020 7946 0000"),
        ("GB", "020 7031 3000 new - was 020 7946 0000"),
        ("GB", "020 7031 3000 new 020 7946 0000 old"),
        ("GB", "020 7031 3000 changed from 020 7946 0000"),
        ("GB", "020 7031 3000 (moved from 020 7946 0000)"),
        ("DE", "030 22730000 (ersetzt 030 22730001)"),
        ("FR", "01 42 68 53 00 (remplace le 06 12 34 56 78)"),
        ("GB", "020 7031 3000 (new) 020 7946 0000"),
        # The newer number is of another line or person.
        ("GB", "Tel: 020 7031 3000 / Mob: 07911 123456 (new)"),
        ("GB", "020 7031 3000, fax changed to 020 7946 0000"),
        ("GB", "020 7031 3000 (VAT no. changed to 123456789)"),
        ("TH", "02 123 4567, เชียงใหม่ 053 123 456"),
        ("JP", "03-3212-3456 住所変更 03-3212-3457"),
        ("GB", "020 7031 3000, new fax 020 7946 0000"),
        ("GB", "020 7031 3000 office, 07911 123456 new mobile"),
        ("GB", "020 7031 3000, new colleague 07911 123456"),
        ("DE", "Tel. 030 22730000, Fax neu: 030 22730001"),
        # The word is part of a name, of a place or of another sentence.
        ("GB", "020 7031 3000 London, +1 212 736 5000 New York"),
        ("GB", "020 7031 3000 / 07911 123456 (Ms New)"),
        ("GB", "020 7031 3000 (name changed to Smith), 07911 123456"),
        ("GB", "020 7031 3000 (moved to London), 07911 123456"),
        ("BR", "(11) 3123-4567, (51) 3594-1234 Novo Hamburgo"),
        ("US", "201-736-1234, 212-736-5000 call now"),
        ("FR", "01 42 68 53 00 / 06 12 34 56 78 (chez moi)"),
        ("IT", "06 6982 1234, 333 1234567 dalle nove"),
        ("RO", "021 312 3456, 0722 123 456 (nu seara)"),
    ],
)
def test_other_texts_do_not_make_a_number_old(region: str, text: str) -> None:
    assert judge(text, region).not_callable is None


@pytest.mark.parametrize("text", ["", "new", "1234567", "now 1234567 7654321", "/".join(["1"] * 40), "+" * 40])
def test_a_text_without_two_numbers_has_no_successor(text: str) -> None:
    assert not has_successor(text)
