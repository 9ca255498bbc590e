"""`booksync status`: the state of every connection and its last runs."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from db import connection_facts, connections, dead_letters, questions, summary
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from workers.boot.basics import Basics
from workers.boot.servers import look_at_postgres, look_at_redis
from workers.budget import throttled_sentence
from workers.cli.arguments import OneConnection, one_connection
from workers.cli.budget_lines import is_day_spent, reserve_words, stop_line
from workers.cli.connection_lines import held_back, paused_line, refusals_line, tell_if_closed
from workers.cli.examples import examples
from workers.cli.looking import open_basics
from workers.cli.servers import show_servers
from workers.cli.tables import Table, number, sentence, whole
from workers.cli.terminal import Terminal, counted, emphasized, print_json, results
from workers.cli.uncertain_countries import uncertain_countries
from workers.cli.workers import process_facts, processes_json, show_processes
from workers.services.forecast import forecast

#: The maximum of unknown country texts in the status line of a connection; --json has more.
COUNTRIES_SHOWN = 5


@examples(
    "booksync status",
    "booksync status Acme",
    "booksync status --json | jq -r '.connections[] | .name + \": \" + .status'",
)
def status(
    given: OneConnection = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")] = False,
) -> None:
    """Show the state of the connections and their last runs."""
    with open_basics("booksync status") as basics, basics.engine.connect() as db:
        connection_id = one_connection(db, given)
        states = [_with_outlook(basics, db, state) for state in connection_facts.connection_states(db, connection_id)]
        dead = dead_letters.count_open(db, connection_id)
        postgres, redis = look_at_postgres(db), look_at_redis(basics.redis)
        found = process_facts(basics, db)
    tell = results(as_json)
    show_servers(postgres, redis, tell)
    for state in states:
        _show(state, tell)
    if not states:
        tell.print("No connection exists yet. Next: booksync connect")
    show_processes(found, tell)
    if dead:
        waiting = counted(dead, "dead letter waits", "dead letters wait")
        tell.print(f"{waiting} for a decision. Next: booksync dead-letters list", style="yellow")
    if as_json:
        servers = {"postgres": postgres.as_json(), "redis": redis.as_json()}
        print_json(
            {
                "connections": states,
                "dead_letters": dead,
                "scheduler_silent_seconds": found.scheduler_silent_seconds,
                "servers": servers,
                "workers": None if found.reports is None else [each.as_json() for each in found.reports],
                "processes": processes_json(found.rows),
            }
        )


def _with_outlook(basics: Basics, db: Session, state: dict[str, Any]) -> dict[str, Any]:
    """Add the facts that `status` shows but the console does not, because reading them takes longer."""
    connection = connections.connection(db, uuid.UUID(state["connection_id"]))
    return state | {
        "uncertain_countries": questions.uncertain_countries(db, connection.connection_id).as_json(),
        "forecast": forecast(basics, db, connection).as_json(),
    }


def _show_budget(connection_id: str, forecast: dict[str, Any], tell: Terminal) -> None:
    budget = forecast["budget"]
    if budget is None:
        tell.print("  API: unknown. No call is made while Redis refuses commands.", style="red")
        return
    of_day = "" if budget["day_limit"] is None else f" of {budget['day_limit']:,}"
    today = "unknown" if forecast["left_today"] is None else f"{forecast['left_today']:,}{of_day}"
    tell.print(
        f"  API: {budget['used_in_window']} of {budget['limit']} calls used in this window{reserve_words(budget)}, "
        f"left today: {today} · "
        f"a full sync costs about {forecast['full']['calls']:,}, an idle one {forecast['incremental']['calls']}"
    )
    if stop := stop_line(budget, connection_id):
        tell.print(f"  {stop}", style="yellow")
    if budget["throttles"] and not is_day_spent(budget):
        tell.print(
            f"  Zoho has refused {budget['throttles']} calls within our own limit, because other programs share the "
            "organisation's allowance. Next: lower ZOHO_REQUESTS_PER_MINUTE.",
            style="yellow",
        )


def _show(state: dict[str, Any], tell: Terminal) -> None:
    tell.print(
        emphasized(str(state["connection_id"]), f"  {_organization(state)} ({state['data_center']})  {state['status']}")
    )
    if state["parked_reason"]:
        tell.print(f"  {state['parked_reason']}", style="red")
    if state["status"] == ConnectionStatus.PAUSED:
        tell.print(f"  {paused_line(state['paused_at'], state['paused_reason'])}", style="yellow")
    if sentence := state_sentence(ConnectionStatus(state["status"]), state["connection_id"]):
        tell.print(f"  {sentence}", style="yellow")
    if since := state["token_endpoint_throttled_since"]:
        tell.print(f"  {throttled_sentence(since)}", style="yellow")
    cached, reminders = state["cached"], state["reminders"]
    tell.print(
        f"  {cached['customers']:,} customers, {cached['customers_with_phone']:,} with a valid phone · "
        f"{cached['invoices']:,} invoices, {cached['waiting_invoices']:,} waiting · "
        f"{reminders['scheduled']:,} open invoices with a scheduled reminder · {cached['rejected']:,} rows rejected"
    )
    tell.print(
        f"  synced: customers {_ago(state['last_customer_sync_at'])}, invoices {_ago(state['last_invoice_sync_at'])}"
    )
    _show_truth_check(state["connection_id"], state["truth_check"], tell)
    tell_if_closed(state["connection_id"], state, tell, indent="  ")
    _show_held_deletions(state["connection_id"], state["held_deletions"], tell)
    _show_calendar(state, tell)
    _show_events(state["webhook_events"], tell)
    if flood := state["flood"]:
        tell.print(f"  webhooks: {flood_sentence(**flood)}", style="yellow")
    if refused := refusals_line(state["webhooks_refused"], state["connection_id"]):
        tell.print(f"  {refused}", style="yellow", markup=False)
    _show_budget(state["connection_id"], state["forecast"], tell)
    _show_runs(state["runs"], tell)


def _show_runs(runs: Sequence[dict[str, Any]], tell: Terminal) -> None:
    if not runs:
        tell.print("  no run yet")
        return
    columns = (
        *map(whole, ("started", "mode", "state", "phase")),
        number("calls"),
        number("seconds"),
        sentence("reason"),
    )
    table = Table(columns, indent=2)
    for run in runs:
        table.add_row(
            f"{run['started_at']:%Y-%m-%d %H:%M:%S}",
            run["mode"],
            _state(run),
            run["phase"],
            f"{run['api_calls']:,}",
            f"{run['seconds']:.1f}",
            run["waiting_for"] or run["reason"] or "",
        )
    table.print(tell)


def _state(run: dict[str, Any]) -> str:
    if run["state"] != "waiting":
        return str(run["state"])
    if run["waiting_for"] == summary.WORKER:
        return f"waiting for {summary.WORKER}"
    return f"waiting until {run['resumes_at']:%H:%M:%S} UTC"


def _organization(state: dict[str, Any]) -> str:
    name = state["name"]
    return f"{name}, organisation {state['organization_id']}" if name else f"organisation {state['organization_id']}"


def _show_calendar(state: dict[str, Any], tell: Terminal) -> None:
    """Print problems with time zones, countries and holiday calendars, because reminders depend on them."""
    if state["unknown_time_zone"] is not None or not state["time_zone_is_known"]:
        named = state["unknown_time_zone"] or state["time_zone"] or "none"
        tell.print(
            f"  Zoho's time zone for the organisation is not an IANA zone ({named}). "
            "Next: choose one in Zoho Books, then run a full sync.",
            style="yellow",
        )
    _show_countries(state, tell)
    if uncertain := uncertain_countries(state["uncertain_countries"], state["connection_id"]):
        tell.print(f"  {uncertain}")
    for country, year in state["calendars_that_end"].items():
        tell.print(f"  The public holidays of {country} are known only until {year}.", style="yellow")


def _show_held_deletions(connection_id: str, held: dict[str, Any], tell: Terminal) -> None:
    """Print how many records wait for a person's decision about their deletion."""
    if sentence := held_back({key: count for key, count in held.items() if key != "since"}, held["since"]):
        tell.print(f"  {sentence} Next: booksync deletions list {connection_id}", style="yellow")


def _show_truth_check(connection_id: str, check: dict[str, Any] | None, tell: Terminal) -> None:
    """Print the result of the last truth check, with column names but without values."""
    if check is None:
        tell.print("  Truth check: none yet. The nightly full sync makes one.")
        return
    ago, checked = _ago(check["checked_at"]), counted(check["checked"], "record", "records")
    if not check["different"]:
        equal = "equals" if check["checked"] == 1 else "equal"
        tell.print(f"  Truth check: {check['checked']} of {checked} {equal} Zoho, {ago}")
        return
    columns = ", ".join(f"{column} {records}" for column, records in check["drifted"].items())
    tell.print(
        f"  Truth check: {check['different']} of {checked} differed ({columns}), corrected, {ago}. "
        f"Next: booksync verify {connection_id}",
        style="yellow",
    )


def _show_countries(state: dict[str, Any], tell: Terminal) -> None:
    """Print which countries are unknown, because booksync cannot read a number without prefix and country."""
    if state["country_code"] is None:
        tell.print(
            "  booksync does not know the organisation's country, so numbers without a country prefix are read only if "
            "the customer's address names a country. "
            "Next: choose a country in Zoho Books, then run a full sync.",
            style="yellow",
        )
    if countries := state["unknown_countries"]:
        listed = [
            f'"{each["country"]}" ({counted(each["customers"], "customer", "customers")})'
            for each in countries[:COUNTRIES_SHOWN]
        ]
        rest = state["customers_with_unknown_country"] - sum(each["customers"] for each in countries[:COUNTRIES_SHOWN])
        if rest:
            listed.append(f"others ({counted(rest, 'customer', 'customers')})")
        tell.print(
            f"  Countries that booksync does not understand: {', '.join(listed)}. Next: correct them in Zoho",
            style="yellow",
            markup=False,
        )


def _show_events(events: dict[str, int], tell: Terminal) -> None:
    """Print the counts of webhook events that did not change the cache."""
    if events["unreadable"]:
        unreadable = counted(events["unreadable"], "event of a record", "events of records")
        tell.print(f"  webhooks: {unreadable} that could not be understood, so nothing changed", style="yellow")
    if events["ignored"]:
        tell.print(
            f"  webhooks: {counted(events['ignored'], 'event', 'events')} ignored: booksync does not cache the records"
        )


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = max(0, (datetime.now(UTC) - moment).total_seconds())
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
