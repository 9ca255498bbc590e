"""The phones of customers made out of copies, judged as the first sync would: with the country that the copies told.

SQL alone takes a number for understood only where it is written whole, with its country's prefix.
"""

from typing import Any, Final

from db.migrations.batches import BATCH, over_keys
from db.migrations.steps import Raw
from domain.phones import PhoneProblem, judge

_LEAST: Final = "00000000-0000-0000-0000-000000000000"


def judge_phones(connection: Raw) -> None:
    """Give the numbers that can be dialled their E.164 form, and tell of the others what is wrong with them.

    What Zoho itself told of a customer stays. Copies and receipts keep the number as it was written.
    """

    def next_batch(after: Any) -> tuple[int, Any]:
        rows = connection.execute(
            """
            SELECT id, primary_phone, country_code FROM customers_cache
            WHERE id > %s AND phone_problem = %s AND primary_phone IS NOT NULL AND observed_at IS NULL
            ORDER BY id LIMIT %s FOR NO KEY UPDATE
            """,
            [after or _LEAST, PhoneProblem.UNKNOWN_REGION, BATCH],
        ).fetchall()
        verdicts = [judge(phone, country) for _, phone, country in rows]
        connection.execute(
            """
            UPDATE customers_cache SET primary_phone = judged.phone, phone_problem = judged.problem
            FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS judged (id, phone, problem)
            WHERE customers_cache.id = judged.id
                AND (primary_phone, phone_problem) IS DISTINCT FROM (judged.phone, judged.problem)
            """,
            [
                [row[0] for row in rows],
                [verdict.e164 or verdict.raw for verdict in verdicts],
                [verdict.problem and str(verdict.problem) for verdict in verdicts],
            ],
        )
        return len(rows), str(rows[-1][0]) if rows else None

    over_keys(connection, "customers' phones", next_batch)
