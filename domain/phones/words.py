"""Words next to phone numbers in the languages of Zoho's users, in the form that `domain.folding.folded` returns."""

from domain.folding import folded
from domain.phones.verdicts import NotCallable


def _words(text: str) -> frozenset[str]:
    return frozenset(map(folded, text.split()))


#: Labels that may touch the digits: "Tel030 1234567", "0171 1234567mobil".
LABELS = _words("""
    tel tele telefon telefono telefone telephone téléphone telefoon telefonnummer phone ph fon fono call
    mobil mobile mob movil móvil mobiel cell cellular celular cel handy gsm portable
    fax telefax office büro buero bureau oficina escritorio work home private privat priv direct dir
    whatsapp wa ext extn extension xtn poste anexo ramal durchwahl dw int interno
    тел телефон моб мобильный факс раб дом доб
""")

#: Labels of one letter: "T: 030 …", "0171 … (m)". Other single letters may replace a digit.
LETTER_LABELS = _words("t m p h w c d f т м ф р д τ κ")

#: Letters that people write for 0 and 1, Latin and Cyrillic. A word of only these letters may be digits.
DIGIT_LETTERS = frozenset("OolIОо")

#: The number before one of these words counts hours, floors or lines: "030 1234567 9-17 Uhr".
UNITS = _words("""
    h hr hrs hour hours uhr std stunden am pm min heures horas ore godz uur
    st nd rd th floor stock og eg etage étage piso andar lines line linien
""")

#: The number after one of these words is not a phone number: "Customer 4711234, tel. 030 …".
OTHER_NUMBERS = _words("""
    id uid acct account customer cust client invoice inv order ref reference vat gst gstin tin ssn pan aadhaar npi abn
    zip pin pincode postcode room kd kdnr kunde kunden kundennr kundennummer rechnung konto kto iban plz ust ustid
    steuer cliente factura fattura fatura pedido nif cif nie dni cuit rut rfc cnpj cpf cep cap piva facture commande
    siret siren tva cp klant kvk btw faktura nip regon pesel инн кпп огрн счет заказ
""")

#: The meaning of words about a number, the clearest meaning first. Several words in an entry are a phrase.
_MEANINGS: tuple[tuple[NotCallable, tuple[str, ...]], ...] = (
    (
        NotCallable.DO_NOT_CALL,
        (
            "do not call", "do not phone", "do not ring", "do not contact", "do not use", "don t call", "dont call",
            "dnc", "no calls", "no call", "never call", "not to be called", "sms only", "text only", "only sms",
            "only text", "whatsapp only", "only whatsapp", "email only",
            "nicht anrufen", "nicht mehr anrufen", "keine anrufe", "bitte nicht anrufen", "nur sms", "nur whatsapp",
            "ne pas appeler", "ne plus appeler", "ne pas contacter", "no llamar", "no contactar", "no molestar",
            "não ligar", "nao ligar", "não telefonar", "non chiamare", "non telefonare", "niet bellen",
            "nie dzwonić", "nie dzwonic", "не звонить", "не дзвонити", "ring ikke", "ring inte", "ikke ring",
            "arama", "aramayın", "jangan telepon", "jangan hubungi", "請勿來電", "请勿致电", "请勿拨打", "勿打",
            "電話しないで", "電話不可", "لا تتصل", "אל תתקשר", "कॉल न करें",
        ),
    ),
    (
        NotCallable.WRONG_NUMBER,
        (
            "wrong", "incorrect", "invalid", "not valid", "not working", "not in service", "no longer in service",
            "out of service", "out of order", "disconnected", "not in use", "no longer in use", "dead", "bad number",
            "does not work", "doesn t work", "unreachable", "not reachable",
            "falsch", "falsche", "ungültig", "ungueltig", "stimmt nicht", "nicht vergeben", "nicht erreichbar",
            "kein anschluss",
            "faux", "erroné", "errone", "mauvais", "non attribué", "incorrecto", "equivocado", "erróneo", "erroneo",
            "incorreto", "errado", "número errado", "sbagliato", "errato", "inesistente", "verkeerd", "onjuist",
            "fout", "błędny", "bledny", "zły", "неверный", "неправильный", "не тот", "fel nummer", "forkert", "feil",
            "yanlış", "yanlis", "nomor salah", "salah nomor", "salah sambung",
            "错误", "空号", "錯誤", "間違い", "خطأ", "שגוי", "गलत",
        ),
    ),
    (
        NotCallable.OLD_NUMBER,
        (
            "old", "former", "formerly", "previous", "previously", "obsolete", "outdated", "expired", "ex number",
            "alt", "alte", "alter", "veraltet", "ehemalig", "ehemals", "früher", "frueher", "nicht mehr",
            "ancien", "ancienne", "obsolète", "antiguo", "antigua", "viejo", "vieja", "anterior", "obsoleto",
            "antigo", "antiga", "velho", "desatualizado", "vecchio", "vecchia", "precedente", "oud", "oude", "vorige",
            "stary", "stare", "poprzedni", "nieaktualny", "старый", "старая", "бывший", "неактуальный", "стар",
            "gammal", "gammel", "gammelt", "tidligere", "tidigare", "vanha", "eski", "nomor lama",
            "旧", "旧号", "舊", "古い",
            "قديم", "ישן", "पुराना",
        ),
    ),
    (
        NotCallable.FAX,
        (
            "fax", "faxe", "faxnr", "faxnummer", "telefax", "facsimile", "facs", "télécopie", "télécopieur",
            "telecopie", "faks", "faksi", "факс", "ф", "φαξ", "传真", "傳真", "ファックス", "ファクス",
            "팩스", "فاكس", "פקס",
        ),
    ),
)  # fmt: skip

#: Words for a line that is both fax and telephone: "Tel/Fax 030 …".
_TELEPHONES = _words("tel telefon telefono telefone telephone phone fon тел телефон mobil mobile cell handy 电话 電話")

_FIRST_OF_CJK = "\u2e80"


def _searched(phrase: str) -> str:
    """The phrase with a blank on each side, so that only whole words match.

    A phrase in a script without blanks between words stays as it is.
    """
    words = " ".join(map(folded, phrase.split()))
    return words if words[0] >= _FIRST_OF_CJK else f" {words} "


_PHRASES = tuple((meaning, tuple(map(_searched, phrases))) for meaning, phrases in _MEANINGS)


def meaning_of(words: tuple[str, ...]) -> NotCallable | None:
    """Why these words say that a number is not to be called; None if they do not. The words are as `folded` returns."""
    if not words:
        return None
    text = f" {' '.join(words)} "
    for meaning, phrases in _PHRASES:
        if any(phrase in text for phrase in phrases):
            is_telephone_too = meaning is NotCallable.FAX and not _TELEPHONES.isdisjoint(words)
            return None if is_telephone_too else meaning
    return None
