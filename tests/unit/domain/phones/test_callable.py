"""Promises of the second verdict: whether a valid number may be called."""

import pytest

from domain.phones import Doubt, NotCallable, PhoneKind
from domain.phones.judging import judge
from tests.builders import A_LONDON_PHONE
from tests.tables import table

LONDON = "020 7031 3000"


@table(
    ("text", "reason"),
    [
        ("Fax 020 7031 3000", NotCallable.FAX),
        ("020 7031 3000 (fax)", NotCallable.FAX),
        ("Telefax: 020 7031 3000", NotCallable.FAX),
        ("факс 020 7031 3000", NotCallable.FAX),
        ("传真02070313000", NotCallable.FAX),  # Chinese has no blanks
        ("ファックス 020-7031-3000", NotCallable.FAX),
        ("020 7031 3000 DO NOT CALL", NotCallable.DO_NOT_CALL),
        ("do not call! 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 - don't call", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 (DNC)", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 bitte nicht anrufen", NotCallable.DO_NOT_CALL),
        ("NE PAS APPELER 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 (no llamar)", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 SMS only", NotCallable.DO_NOT_CALL),
        ("не звонить 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 wrong number", NotCallable.WRONG_NUMBER),
        ("020 7031 3000 (falsch)", NotCallable.WRONG_NUMBER),
        ("número equivocado 020 7031 3000", NotCallable.WRONG_NUMBER),
        ("020 7031 3000 disconnected", NotCallable.WRONG_NUMBER),
        ("空号 020 7031 3000", NotCallable.WRONG_NUMBER),
        ("old: 020 7031 3000", NotCallable.OLD_NUMBER),
        ("020 7031 3000 (alt)", NotCallable.OLD_NUMBER),
        ("ancien numéro 020 7031 3000", NotCallable.OLD_NUMBER),
        ("旧号 020 7031 3000", NotCallable.OLD_NUMBER),
        # Vowel signs, compounds of two scripts, and Korean compounds.
        ("020 7031 3000 (कॉल न करें)", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 पुराना", NotCallable.OLD_NUMBER),
        ("代表FAX 020 7031 3000", NotCallable.FAX),
        ("FAX番号 020 7031 3000", NotCallable.FAX),
        ("팩스번호 020 7031 3000", NotCallable.FAX),
        ("020 7031 3000 เบอร์ผิดครับ", NotCallable.WRONG_NUMBER),
        # Messages instead of calls, in any words.
        ("020 7031 3000 WhatsApp only!", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 (nur per Mail)", NotCallable.DO_NOT_CALL),
        ("solo mensajes 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("только смс 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 DND", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 - opted out", NotCallable.DO_NOT_CALL),
        # A customer who has died.
        ("020 7031 3000 (deceased)", NotCallable.DO_NOT_CALL),
        ("verstorben 020 7031 3000", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 décédée", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 умер", NotCallable.DO_NOT_CALL),
        ("020 7031 3000 (does not exist)", NotCallable.WRONG_NUMBER),
        ("020 7031 3000 no longer valid", NotCallable.WRONG_NUMBER),
        ("020 7031 3000 (n'existe plus)", NotCallable.WRONG_NUMBER),
        ("dummy 020 7031 3000", NotCallable.WRONG_NUMBER),
        ("020 7031 3000 gammalt nummer", NotCallable.OLD_NUMBER),
        ("020 7031 3000 left the company", NotCallable.OLD_NUMBER),
        # An objection to calls has precedence over the kind of line.
        ("Fax 020 7031 3000, do not call", NotCallable.DO_NOT_CALL),
    ],
)
def test_words_in_the_text_make_a_number_not_callable(text: str, reason: NotCallable) -> None:
    verdict = judge(text, "GB")
    assert (verdict.e164, verdict.not_callable) == (A_LONDON_PHONE, reason)


@table(
    "text",
    [
        LONDON,
        "Mobile 020 7031 3000",
        "020 7031 3000 (Bob Goldman)",  # "old" is a part of the name only
        "020 7031 3000 reception",
        "020 7031 3000 WhatsApp",
        "020 7031 3000 (mobile and WhatsApp)",
        "020 7031 3000 Mr Lawyer",
        "020 7031 3000 calls only, no texts",
        "020 7031 3000 nur vormittags, auch WhatsApp",
        "020 7031 3000 Chị Lan (WhatsApp)",
        "020 7031 3000 오륜교회",
        "Rip 020 7031 3000",
        "只要020 7031 3000",
        "Tel/Fax 020 7031 3000",  # a telephone as well
        "Tel 020 7031 3000, Fax 020 7031 3001",  # the words belong to the second number
        "020 7031 3000 / Fax 020 7031 3001",
        "Tel 020 7031 3000 Fax 020 7031 3001",
        "020 7031 3000 ext. 12",
    ],
)
def test_other_words_do_not_make_a_number_not_callable(text: str) -> None:
    verdict = judge(text, "GB")
    assert (verdict.e164, verdict.not_callable) == (A_LONDON_PHONE, None)


@table(
    ("text", "region", "reason"),
    [
        ("9999999999", "IN", NotCallable.FILLER),  # one digit
        ("(11) 99999-9999", "BR", NotCallable.FILLER),  # the subscriber's part
        ("0123456789", "FR", NotCallable.FILLER),  # a run of nine
        ("9876543210", "IN", NotCallable.FILLER),  # downwards
        ("030 111111", "DE", NotCallable.FILLER),
        ("925-555-1212", "US", NotCallable.DIRECTORY),
        ("+1 416 555 1212", None, NotCallable.DIRECTORY),
        ("020 7031 3000", "GB", None),
        ("925 222 2223", "US", None),  # not all digits are equal
        ("030 4444", "DE", None),  # short numbers of companies
    ],
)
def test_digits_can_make_a_number_not_callable(text: str, region: str | None, reason: NotCallable | None) -> None:
    verdict = judge(text, region)
    assert verdict.is_valid
    assert verdict.not_callable == reason


@pytest.mark.parametrize(
    ("text", "region", "doubts"),
    [
        ("0171 1234567", "DE", (Doubt.RUN,)),  # a shorter run
        ("0612345678", "NL", (Doubt.RUN, Doubt.EXAMPLE)),  # and the library's example
        ("07400 123456", "GB", (Doubt.RUN, Doubt.EXAMPLE)),
        ("971501204567", "IN", (Doubt.FOREIGN,)),  # an Emirati mobile that has lost its plus
        ("020 7031 3000", "GB", ()),
    ],
)
def test_a_doubtful_number_is_callable(text: str, region: str, doubts: tuple[Doubt, ...]) -> None:
    verdict = judge(text, region)
    assert (verdict.not_callable, verdict.doubts) == (None, doubts)


@pytest.mark.parametrize(
    ("text", "region", "kind"),
    [
        ("+44 909 879 0123", "GB", PhoneKind.PREMIUM_RATE),
        ("899 123456", "IT", PhoneKind.PREMIUM_RATE),
        ("0345 640 4000", "GB", PhoneKind.COMPANY),
        ("+44 7640 123456", "GB", PhoneKind.PAGER),
    ],
)
def test_the_policy_decides_about_kinds(text: str, region: str, kind: PhoneKind) -> None:
    verdict = judge(text, region)
    assert (verdict.kind, verdict.not_callable) == (kind, None)


@table("sentence", [*(reason.sentence for reason in NotCallable), *(doubt.sentence for doubt in Doubt)])
def test_each_reason_has_a_sentence_for_people(sentence: str) -> None:
    assert sentence.endswith(".")
