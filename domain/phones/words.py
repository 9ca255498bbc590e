"""Words next to phone numbers in the languages of Zoho's users, as the grammar of phone texts returns words."""

import re

from domain.folding import folded
from domain.phones.characters import folded_characters
from domain.phones.verdicts import NotCallable


def word_of(text: str) -> str:
    """The word as the grammar returns it: without vowel signs, which a phone text loses with all combining marks."""
    return folded(folded_characters(text))


def words_of(text: str) -> frozenset[str]:
    """The words of a list, see `word_of`."""
    return frozenset(map(word_of, text.split()))


#: Labels that may touch the digits: "Tel030 1234567", "0171 1234567mobil".
LABELS = words_of("""
    tel tele telefon telefono telefone telephone téléphone telefoon telefonnummer phone ph fon fono call
    mobil mobile mob movil móvil mobiel cell cellular celular cel handy gsm portable
    fax telefax office büro buero bureau oficina escritorio work home private privat priv direct dir
    whatsapp wa ext extn extension xtn poste anexo ramal durchwahl dw int interno
    тел телефон моб мобильный факс раб дом доб
""")

#: Labels of one letter: "T: 030 …", "0171 … (m)". Other single letters may replace a digit.
LETTER_LABELS = words_of("t m p h w c d f т м ф р д τ κ")

#: Letters that people write for 0 and 1, Latin and Cyrillic. A word of only these letters may be digits.
DIGIT_LETTERS = frozenset("OolIОо")

#: The number before one of these words counts hours, floors or lines: "030 1234567 9-17 Uhr".
UNITS = words_of("""
    h hr hrs hour hours uhr std stunden am pm min heures horas ore godz uur
    st nd rd th floor stock og eg etage étage piso andar lines line linien
""")

#: The number after one of these words is not a phone number: "Customer 4711234, tel. 030 …".
OTHER_NUMBERS = words_of("""
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
            "dnd", "do not disturb", "don t ring", "dont ring", "never ring", "no phone calls", "don t use", "dont use",
            "don t contact", "dont contact", "don t phone", "not to be contacted", "stop calling", "opt out",
            "opted out", "unsubscribed", "email preferred", "prefers email", "cease and desist",
            "legal dispute",
            "blocked", "bankrupt", "insolvent",
            "nicht telefonieren", "nicht kontaktieren", "nicht benutzen", "nicht verwenden", "kein anruf",
            "kein telefon", "darf nicht angerufen", "werbesperre", "anrufsperre", "gesperrt", "insolvenzverwalter",
            "bitte löschen",
            "ne pas téléphoner", "ne plus téléphoner", "n appelez pas", "ne jamais appeler", "ne pas déranger",
            "ne pas utiliser", "pas d appel", "pas d appels",
            "no llame", "no llamen", "no usar", "no utilizar", "bloqueado",
            "não ligue", "não usar", "não perturbe", "não contatar",
            "non chiamate", "non contattare", "non disturbare", "non usare",
            "niet meer bellen", "niet telefoneren", "niet gebruiken", "niet storen", "niet contacteren",
            "nie dzwoń", "nie dzwon", "nie kontaktować", "nie używać",
            "не звоните", "не беспокоить", "не телефонувати", "заблокирован",
            "ring ej", "får ej kontaktas", "må ikke ringes", "älä soita", "ei saa soittaa", "ei soittoja",
            "aramayin", "aranmasın", "nevolat", "nevolejte", "ne hívja", "ne hívd", "nem hívható", "nu suna",
            "nu sunați", "a nu se suna", "μην καλείτε",
            "jangan telpon", "jangan ditelepon", "jangan dihubungi", "không gọi", "đừng gọi", "ห้ามโทร", "อย่าโทร",
            "電話禁止", "架電禁止", "架電不可", "使用不可", "不要打电话", "别打", "禁止拨打", "勿拨", "仅短信",
            "전화하지", "전화 금지", "전화금지", "통화금지", "문자만",
            "لا تتصلوا", "عدم الاتصال", "ممنوع الاتصال", "לא להתקשר", "אין להתקשר",
            "कॉल मत", "फोन न करें", "फ़ोन मत", "call mat",
            # The customer has died: the heirs must not be reminded by a machine.
            "deceased", "passed away", "died", "verstorben", "gestorben", "décédé", "décédée", "fallecido",
            "fallecida", "difunto", "difunta", "falecido", "falecida", "deceduto", "deceduta", "defunto", "overleden",
            "zmarł", "zmarły", "zmarła", "avliden", "afdød", "død", "kuollut", "vefat", "умер", "умерла", "скончался",
            "помер", "померла", "zemřel", "zemřela", "meghalt", "elhunyt", "decedat", "απεβίωσε", "meninggal",
            "almarhum", "đã mất", "เสียชีวิต", "死亡", "故人", "已故", "去世", "사망", "متوفى", "متوفي", "נפטר", "נפטרה",
            "मृत",
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
            "no longer valid", "not a valid", "does not exist", "doesn t exist", "not existing", "nonexistent",
            "not his number", "not her number", "not their number", "doesn t belong", "does not belong",
            "dummy", "bogus", "test number", "switched off", "number changed", "changed number",
            "unused", "inactive", "not used",
            "gibt es nicht", "existiert nicht", "nicht gültig", "nicht aktuell", "nicht aktiv", "inaktiv", "abgemeldet",
            "gekündigt", "außer betrieb", "stillgelegt", "geändert",
            "n existe plus", "n existe pas", "hors service", "plus en service", "non valide", "invalide", "inactif",
            "injoignable", "plus valable", "résilié", "désactivé", "erreur",
            "no existe", "no corresponde", "no es su", "fuera de servicio", "desconectado", "dado de baja", "inválido",
            "inválida", "no válido", "falso", "ya no",
            "inexistente", "não existe", "não é dele", "não é dela", "não pertence", "desligado", "desativado",
            "fora de serviço",
            "non esiste", "non attivo", "non più", "disattivato", "fuori servizio", "non valido", "scollegato",
            "foutief", "ongeldig", "niet in gebruik", "buiten gebruik", "bestaat niet", "opgeheven", "afgesloten",
            "klopt niet",
            "nieprawidłowy", "niewłaściwy", "nieaktywny", "nie istnieje", "nieważny", "niepoprawny", "wyłączony",
            "pomyłka", "felaktigt", "ogiltigt", "ur bruk", "finns ej", "avstängt", "används ej", "upphört",
            "ugyldigt", "ugyldig", "ude af drift", "nedlagt", "väärä", "virheellinen", "ei käytössä",
            "poistettu käytöstä", "hatalı", "geçersiz", "kullanılmıyor", "kullanım dışı",
            "ошибочный", "чужой номер", "недействителен", "не существует", "не обслуживается", "не используется",
            "отключен", "не работает", "невірний", "неправильний", "помилковий", "не існує", "відключений",
            "не працює",
            "špatné", "chybné", "neplatné", "neexistuje", "zrušeno", "mimo provoz", "rossz szám", "téves",
            "érvénytelen", "megszűnt", "greșit", "inexistent", "dezactivat", "λάθος", "εκτός λειτουργίας",
            "tidak aktif", "tidak berlaku", "nonaktif", "sai số", "số sai", "ngừng hoạt động",
            "เบอร์ผิด", "เลิกใช้", "番号違い", "使われて", "错号", "停机", "已作废", "无效", "打錯", "停用",
            "잘못된", "결번", "없는 번호", "غير صحيح", "خارج الخدمة", "غير مستخدم", "מנותק", "לא בשימוש",
            "לא פעיל", "טעות", "galat", "band hai",
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
            "prev", "ex employee", "left the company", "left company", "no longer works", "not used any more",
            "frühere", "ehem", "número viejo", "gammalt", "entinen", "прежний", "staré",
            "starý", "vechi", "παλιό", "παλιός", "số cũ", "เบอร์เก่า", "구번호", "이전 번호",

        ),
    ),
    (
        NotCallable.FAX,
        (
            "fax", "faxe", "faxnr", "faxnummer", "telefax", "facsimile", "facs", "télécopie", "télécopieur",
            "telecopie", "faks", "faksi", "факс", "ф", "φαξ", "传真", "傳真", "ファックス", "ファクス",
            "팩스", "فاكس", "פקס", "efax", "e fax", "แฟกซ์", "โทรสาร", "फैक्स",
        ),
    ),
)  # fmt: skip

#: Words for a line that is both fax and telephone: "Tel/Fax 030 …".
_TELEPHONES = words_of(
    "tel telefon telefono telefone telephone phone fon тел телефон mobil mobile cell handy 电话 電話"
)

#: "nur per Mail", "SMS only": no calls, but messages. In other orders the words limit hours or describe the line.
_ONLY_MESSAGES = re.compile(
    " (?:only|nur|solo|so|somente|apenas|seulement|uniquement|alleen|tylko|endast|bara|vain|sadece|только|тільки|pouze"
    "|csak|doar|μονο|hanya|فقط|רק) (?:per |via |by |par |por |с |через )?(?:sms|texts?|whatsapp|e?mails?|mensajes?"
    "|mensagens|mensagem|messages?|messaggi|berichten|смс|сообщения|wiadomosci|رسائل|واتساب|הודעות|וואטסאפ) "
    "| (?:sms|texts?|whatsapp|e?mails?|messages?) (?:only|saja|seulement|uniquement) | wa only | wa saja | hanya wa "
    "| chi nhan tin "
)

#: Scripts without blanks between words: Thai, and Chinese, Japanese and Korean.
_WITHOUT_BLANKS = re.compile("[\u0e00-\u0e7f\u2e80-\uffff]")

#: The places between Latin letters and such a script: "FAX番号", "代表FAX". Folded Korean letters begin at U+1100.
_CHANGE_OF_SCRIPT = re.compile("(?<=[a-z])(?=[\u0e00-\u11ff\u2e80-\uffff])|(?<=[\u0e00-\u11ff\u2e80-\uffff])(?=[a-z])")


def _searched(phrase: str) -> str:
    """The phrase with a blank on each side, so that only whole words match.

    A phrase in a script without blanks between words stays as it is.
    """
    words = " ".join(map(word_of, phrase.split()))
    return words if _WITHOUT_BLANKS.match(phrase) else f" {words} "


_PHRASES = tuple((meaning, tuple(map(_searched, phrases))) for meaning, phrases in _MEANINGS)


def meaning_of(words: tuple[str, ...]) -> NotCallable | None:
    """Why these words say that a number is not to be called; None if they do not. The grammar returns such words."""
    if not words:
        return None
    text = _CHANGE_OF_SCRIPT.sub(" ", f" {' '.join(words)} ")
    if _ONLY_MESSAGES.search(text):
        return NotCallable.DO_NOT_CALL
    for meaning, phrases in _PHRASES:
        if any(phrase in text for phrase in phrases):
            is_telephone_too = meaning is NotCallable.FAX and not _TELEPHONES.isdisjoint(words)
            return None if is_telephone_too else meaning
    return None
