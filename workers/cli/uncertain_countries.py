"""Customers whose number depends on an unknown country, in words for `status` and the preview of reminders."""

from collections.abc import Mapping

from workers.cli.terminal import counted


def uncertain_countries(found: Mapping[str, int | None], connection_id: object) -> str | None:
    """Return a sentence: how many customers' phone numbers depend on an unknown country, and the next step.

    Returns None if there are no such customers.

    `found` is `db.questions.UncertainCountries.as_json()`.
    """
    customers, to_ask, a_run = found["customers"], found["to_ask"], found["detail_calls_per_run"]
    if not customers:
        return None
    have = (
        "customer with an open invoice has a number"
        if customers == 1
        else "customers with an open invoice have numbers"
    )
    why = "judged by an assumed country, because Zoho has not named theirs"
    return f"{customers:,} {have} {why}. {_how_it_becomes_known(to_ask or 0, a_run or 0, found['runs'], connection_id)}"


def _how_it_becomes_known(to_ask: int, a_run: int, runs: int | None, connection_id: object) -> str:
    if to_ask == 0:
        return (
            "All were looked up in Zoho. Next: enter the country in Zoho, or write the number with its country prefix."
        )
    if runs is None:
        return f"The policy allows no detail calls. Next: booksync policy set {connection_id} --detail-calls 20"
    read = "Each run reads the country of"
    return f"{read} {counted(a_run, 'customer', 'customers')}: {to_ask:,} left, {counted(runs, 'run', 'runs')}."
