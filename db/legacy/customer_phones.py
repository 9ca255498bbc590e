"""The phones of customers made from copies: which copy is chosen, and the verdict on its number."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.types.json import Jsonb

from db.legacy.phone_rule import JudgedPhone, PhoneRule
from db.migrations.batches import BATCH, over_keys
from db.migrations.steps import Raw

UserId = uuid.UUID | str | int
#: A user, and a customer's id in Zoho.
CustomerKey = tuple[UserId, str]

_LEAST: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class PhoneCopy:
    """The phone in one invoice's copy of its customer."""

    invoice_id: uuid.UUID
    text: str = field(repr=False)  #: the phone as written, trimmed
    country: str | None = None  #: the country in the copy with this phone (ISO 3166-1 alpha-2)
    country_unknown: bool = False  #: whether the copy has a country that booksync does not recognise


@dataclass(frozen=True, slots=True)
class ChosenPhone:
    """The chosen copy of a customer's phone, and the verdict on it."""

    copy: PhoneCopy
    verdict: JudgedPhone

    @property
    def stored(self) -> str:
        """The value of `primary_phone` for the chosen copy."""
        return self.verdict.e164 or self.verdict.raw

    @property
    def problem(self) -> str | None:
        return self.verdict.problem

    @property
    def verdict_as_json(self) -> dict[str, str]:
        """The value of `phone_verdict`: the phone text, and the reason if the number is not callable.

        A later revision copies the reason to a column. The first sync replaces the whole value.
        """
        found = {"raw": self.verdict.raw}
        if self.verdict.not_callable is not None:
            found["not_callable"] = self.verdict.not_callable
        return found


def choose_phones(
    newest: Mapping[CustomerKey, tuple[PhoneCopy, str | None]],
    all_copies: Callable[[Sequence[CustomerKey]], Mapping[CustomerKey, Sequence[PhoneCopy]]],
    rule: PhoneRule,
) -> dict[CustomerKey, ChosenPhone]:
    """Choose for each customer the newest copy with a valid phone number; if there is none, the newest copy.

    `newest` has each customer's newest copy and the customer's country. `all_copies` returns all copies of the given
    customers, newest first. It is called only for customers whose newest copy has no valid number.
    """
    chosen = {key: ChosenPhone(copy, judged(copy, country, rule)) for key, (copy, country) in newest.items()}
    doubtful = [key for key, phone in chosen.items() if not phone.verdict.is_valid]
    for key, copies in all_copies(doubtful).items() if doubtful else ():
        _, country = newest[key]
        phones = (ChosenPhone(copy, judged(copy, country, rule)) for copy in copies)
        chosen[key] = next((phone for phone in phones if phone.verdict.is_valid), chosen[key])
    return chosen


def judged(copy: PhoneCopy, country: str | None, rule: PhoneRule) -> JudgedPhone:
    """The verdict on a copy's phone. `country` is the customer's country, for copies without a country.

    If the text is one number in the copy's country and another number in the customer's country, the text is rejected
    (`unknown_region`). If the copy has a country text that booksync does not recognise, no other country takes its
    place.
    """
    if copy.country_unknown:
        return rule(copy.text, None)
    verdict = rule(copy.text, copy.country or country)
    if verdict.is_valid and copy.country not in (None, country):
        other = rule(copy.text, country)
        if other.is_valid and other.e164 != verdict.e164:
            return JudgedPhone(copy.text, problem="unknown_region")
    return verdict


def judge_phones(connection: Raw, rule: PhoneRule) -> None:
    """Record the verdicts on the phones of customers that the triggers have created, because SQL cannot give a verdict.

    Phones that were read from Zoho stay unchanged. Copies and receipts keep the number as it was written.
    """

    def next_batch(after: Any) -> tuple[int, Any]:
        rows = connection.execute(
            """
            SELECT id, primary_phone, country_code FROM customers_cache
            WHERE id > %s AND primary_phone IS NOT NULL AND phone_verdict ->> 'raw' IS NULL AND observed_at IS NULL
            ORDER BY id LIMIT %s FOR NO KEY UPDATE
            """,
            [after or _LEAST, BATCH],
        ).fetchall()
        phones = [ChosenPhone(PhoneCopy(id_, phone), rule(phone, country)) for id_, phone, country in rows]
        connection.execute(
            """
            UPDATE customers_cache
            SET primary_phone = judged.phone, phone_problem = judged.problem, phone_verdict = judged.verdict
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[]) AS judged (id, phone, problem, verdict)
            WHERE customers_cache.id = judged.id
            """,
            [
                [row[0] for row in rows],
                [phone.stored for phone in phones],
                [phone.problem for phone in phones],
                [Jsonb(phone.verdict_as_json) for phone in phones],
            ],
        )
        return len(rows), str(rows[-1][0]) if rows else None

    over_keys(connection, "customers' phones", next_batch)
