"""Promises about texts from people, forms and spreadsheets: the number as written, or a problem."""

import pytest

from domain.phones import PhoneProblem
from domain.phones.judging import judge
from tests.tables import table

NOT_ALONE, AMBIGUOUS = PhoneProblem.NOT_ALONE, PhoneProblem.AMBIGUOUS


@table(
    ("text", "region", "right"),
    [
        # The plus is lost. German numbers have no fixed length, so the text is also a national number.
        ("491714567890", "DE", AMBIGUOUS),
        ("447912345678", "DE", AMBIGUOUS),
        ("+447912345678", "DE", "+447912345678"),
        # British numbers have a fixed length, so the country code is recognisable.
        ("447912345678", "GB", "+447912345678"),
        # Twelve digits without a trunk prefix are unusual for Germany, although Britain does not use the number either.
        ("447700900123", "DE", AMBIGUOUS),
        # A New Jersey number, or an Egyptian one with a plus: this is the format in the United States.
        ("2015550123", "US", "+12015550123"),
        # The format of a Russian number with its trunk prefix, although Vietnam has a number with these digits.
        ("8 (495) 123-45-68", "RU", "+74951234568"),
        # The prefix of Brazilian collect calls is Turkey's country code.
        ("902123463046", "BR", AMBIGUOUS),
        # A typing error does not make a number of another country.
        ("20151547011", "US", PhoneProblem.TOO_LONG),
        # Spreadsheets.
        ("1714567890.0", "DE", "+491714567890"),
        ("4.91714E+12", "DE", NOT_ALONE),
        ("'0171 4567890", "DE", "+491714567890"),
        ("=+491714567890", "DE", "+491714567890"),
        ("#2 0171 4567890", "DE", NOT_ALONE),
        ("30,105,144.0", "DE", NOT_ALONE),
        ("30.105.144,00", "DE", NOT_ALONE),
        ("Tel 08101835.0", "SE", NOT_ALONE),
        # Hidden digits are not guessed.
        ("01 23452690 []", "AT", NOT_ALONE),
        ("+43 664 1925(x)", "AT", NOT_ALONE),
        ("030 4567XXXX", "DE", NOT_ALONE),
        ("030 45678**", "DE", NOT_ALONE),
        ("030 45678..", "DE", NOT_ALONE),
        ("030 456789x", "DE", NOT_ALONE),
        # A letter may replace a digit.
        ("030 45678O9", "DE", NOT_ALONE),
        ("030 45678 O", "DE", NOT_ALONE),
        ("+49 3O 456789", "DE", NOT_ALONE),
        ("030 4567890 Li", "DE", "+49304567890"),
        # Digits in brackets, with words or without.
        ("030 4567890 (9-17h)", "DE", "+49304567890"),
        ("030 4567890 (2)", "DE", AMBIGUOUS),
        ("925 555 0101 (2)", "US", "+19255550101"),
        ("030 4567890 9-17 Uhr", "DE", NOT_ALONE),
        ("030 4567890 ab 18 Uhr", "DE", "+49304567890"),
        # Times and dates.
        ("030 4567890 18:00", "DE", NOT_ALONE),
        ("18:00 (201) 553-7678", "US", NOT_ALONE),
        ("030 4567890 (ab 18:00 Uhr)", "DE", "+49304567890"),
        ("030 456789 12/05", "DE", AMBIGUOUS),
        ("24/7 030 456789", "DE", AMBIGUOUS),
        ("20230512 +49 1512 3456789", "DE", AMBIGUOUS),
        ("2023-05-12 050-234-8734", "IL", NOT_ALONE),
        # A date alone.
        ("2026-01-12", "DE", PhoneProblem.NOT_A_NUMBER),
        ("23.07.1985", "FR", PhoneProblem.NOT_A_NUMBER),
        ("3/7/1985", "NO", PhoneProblem.NOT_A_NUMBER),
        ("07/23/1985", "NO", PhoneProblem.NOT_A_NUMBER),
        ("23 07 19 85", "NO", "+4723071985"),
        # An area code with only its closing bracket is not a list mark.
        ("02)2849-3657", "KR", "+82228493657"),
        ("01) 284 93 65", "AT", AMBIGUOUS),
        ("30) 28493657", "DE", AMBIGUOUS),
        ("9) 2849 3657", "FI", AMBIGUOUS),
        ("1) 030 4567890", "DE", "+49304567890"),
        ("01) 0171 4567895", "DE", "+491714567895"),
        ("02. 030 4567895", "DE", AMBIGUOUS),
        ("301284936.0 2", "DE", NOT_ALONE),
        # One number from abroad is not two of equal length, although 447911 is a number on the Faroes.
        ("44 7911 284936", "FO", PhoneProblem.TOO_LONG),
        ("49 1512 849365", "GL", PhoneProblem.TOO_LONG),
        ("62 8122 849365", "AD", PhoneProblem.TOO_LONG),
        ("513140867 513140868", "PL", "+48513140867"),
        # Numbers of overseas departments, whose country code is not 33.
        ("0596 28 49 36", "FR", NOT_ALONE),
        ("+33 269 61 49 36", "FR", NOT_ALONE),
        ("0596 28 49 36", "MQ", "+596596284936"),
        # An area code in brackets, or a first group with more than a code, is not a country code that lost its plus.
        ("(473) 269-1281", "SV", PhoneProblem.IMPOSSIBLE_LENGTH),
        ("(670) 234-5662", "KW", PhoneProblem.TOO_LONG),
        ("131 2320 9063", "GI", PhoneProblem.TOO_LONG),
        # Dots between groups of two, not a decimal.
        ("0475.00.49.36", "BE", "+32475004936"),
        # An area code separated by a sign is not a list mark.
        ("02; 34502997", "EG", PhoneProblem.TOO_SHORT),
        ("02&nbsp;34502997", "EG", NOT_ALONE),
        # Other numbers than phone numbers.
        ("Kd-Nr. 52398778, 030 456789", "DE", NOT_ALONE),
        ("Invoice 842522113 Tel 512 391 942", "PL", NOT_ALONE),
        ("030 456789, customer 52398778", "DE", "+4930456789"),
        ("030 4567890 9-17", "DE", AMBIGUOUS),
        ("925 555 0101 9-17", "US", "+19255550101"),
        ("030 140429.5", "DE", NOT_ALONE),
        ("01 2345269 !", "AT", NOT_ALONE),
        # A form has added a plus to a number of New Jersey; Cairo's numbers have another length.
        ("+2015580825", "US", AMBIGUOUS),
        # Marks of lists.
        ("2) 0171 4567890", "DE", "+491714567890"),
        ("2. 0171 4567890", "DE", AMBIGUOUS),
        ("Line 2: 0171 4567890", "DE", "+491714567890"),
        # Endings.
        ("030 4567890/91", "DE", "+49304567890"),
        ("030/456789-10/11", "DE", AMBIGUOUS),
        ("022-24567890/79", "IN", "+912224567890"),
        # A slash after the area code.
        ("030/4567890", "DE", "+49304567890"),
        ("02/234.56.78", "BE", "+3222345678"),
        # Two numbers.
        ("030 45678 030 45679", "DE", AMBIGUOUS),
        ("513140867 513140868", "PL", "+48513140867"),
        ("030 4567890 / 0171 4567890", "DE", "+49304567890"),
        ("+49 30 4567890+49 30 4567891", "DE", "+49304567890"),
        # International prefixes: of the country, and of most countries.
        ("00491764567890 8", "TH", AMBIGUOUS),
        ("0049 176 45678901", "US", "+4917645678901"),
        # The country code twice.
        ("+49 +49 171 4567890", "DE", "+491714567890"),
        ("+49491714567890", "DE", AMBIGUOUS),
        # A zero replaces the plus, or follows it. "0491 …" is an area code as well.
        ("0491714567890", "DE", AMBIGUOUS),
        ("0491 12345", "DE", "+4949112345"),
        ("+0049 171 4567890", "DE", "+491714567890"),
        ("+00555375121230", "BR", AMBIGUOUS),
        # A trunk prefix after a country code without its plus, with and without brackets.
        ("49 (0) 171 4567890", "DE", "+491714567890"),
        ("44 (0) 20 7946 0958", "DE", "+442079460958"),
        ("62021500774", "ID", AMBIGUOUS),
        # Australia's international prefix looks like the beginning of a North American number elsewhere.
        ("00113612310349", "HU", AMBIGUOUS),
        # A zero before an Italian mobile, which has no zero.
        ("+39 0 312 3473242", "IT", AMBIGUOUS),
        ("0312 3473242", "IT", AMBIGUOUS),
        # An added plus does not turn separated digits into a country code.
        ("9-17 12 341 77 32", "PL", PhoneProblem.TOO_LONG),
        # A trunk prefix in brackets, also in a country without trunk prefix.
        ("+49 (0) 30 456789", "DE", "+4930456789"),
        ("+39 (0) 333 4567890", "IT", "+393334567890"),
        # Obsolete prefixes of Mexico, Brazil's placeholder for a carrier, the Argentine 15.
        ("+52 1 55 1234 5679", "MX", "+525512345679"),
        ("044 55 1234 5679", "MX", "+525512345679"),
        ("(0xx11) 3123-4567", "BR", "+551131234567"),
        ("(0xx11) 3123-4567", "DE", NOT_ALONE),
        ("+54 11 15 2345 6780", "AR", "+5491123456780"),
        # An area code that a rule of the country would add.
        ("464 1235", "AG", NOT_ALONE),
        # Words are digits where numbers are sold as words; masks and letters for digits are not words.
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("1-800-GO-FEDEX", "US", "+18004633339"),
        ("1-800-XXX-XXXX", "US", NOT_ALONE),
        ("0300 123 XXXX", "GB", NOT_ALONE),
        ("0800 123 4O5O", "GB", NOT_ALONE),
        ("(925) 555-CALL", "US", PhoneProblem.TOO_SHORT),
        # Extensions.
        ("+16502530000x136", "US", "+16502530000"),
        ("4084568908#", "US", "+14084568908"),
        ("tel:+44-114-272-6444;ext=1234", "GB", "+441142726444"),
        ("030 4567890 Durchwahl 12", "DE", "+49304567890"),
        # A superscript digit is a footnote.
        ("030 456789²", "DE", NOT_ALONE),
        # An e-mail address.
        ("030456789@example.com", "DE", PhoneProblem.NOT_A_NUMBER),
        # Commas: thousands, a pause, a typing error.
        ("1,714,567,890", "DE", "+491714567890"),
        ("650-253-0000,,123", "US", "+16502530000"),
        ("030,4567890", "DE", "+49304567890"),
    ],
)
def test_a_text_is_read_as_the_written_number_or_has_a_problem(
    text: str, region: str, right: str | PhoneProblem
) -> None:
    verdict = judge(text, region)
    assert (verdict.problem if isinstance(right, PhoneProblem) else verdict.e164) == right


@pytest.mark.parametrize(
    ("text", "region", "by_region"),
    [
        ("030 4567890", "DE", True),
        ("+49 30 4567890", "DE", False),
        ("0049 30 4567890", "DE", False),
        ("447912345678", "GB", True),
        ("1-800-FLOWERS", "US", True),
    ],
)
def test_a_verdict_reports_whether_it_depends_on_the_region(text: str, region: str, by_region: bool) -> None:
    assert judge(text, region).by_region is by_region
