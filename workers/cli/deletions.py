"""`booksync deletions`: records that are missing in Zoho and wait for a person's decision."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from db import connections, held_deletions
from db.held_deletions import Held
from domain.activity import Action
from domain.entities import Entity, entities, entity_of_kind
from workers.boot.resources import Resources
from workers.cli.arguments import GivenConnection, OneConnection, one_connection, refuse_to_ask
from workers.cli.connection_lines import amounts, minute_of
from workers.cli.examples import examples
from workers.cli.lazy_commands import plain_typer
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.tables import Table, name, sentence, whole
from workers.cli.terminal import Terminal, counted, notes, print_json, results
from workers.services.find_connection import find_connection
from workers.services.held_deletions import apply, dismiss

app = plain_typer(
    "Decide about records that are missing in Zoho: suspiciously many, so they are not marked deleted yet."
)

_NAMES_SHOWN = 20

_KINDS = [entity.kind for entity in entities()]


def _entity(kind: str) -> Entity:
    if kind not in _KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(map(repr, _KINDS))}.")
    return entity_of_kind(kind)


KindOption = Annotated[
    Entity | None,
    typer.Option("--kind", parser=_entity, metavar=f"[{'|'.join(_KINDS)}]", help="Only customers, or only invoices."),
]
RecordOption = Annotated[
    list[str] | None,
    typer.Option("--record", metavar="ID", help="Only the record with this Zoho id; may be repeated."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
AsJSON = Annotated[bool, typer.Option("--json", help="End with one JSON object on stdout.")]


@app.command("list")
@examples(
    "booksync deletions list",
    "booksync deletions list Acme --kind invoice",
    "booksync deletions list Acme --json | jq -r '.held[].record_id'",
)
def list_held(
    given: OneConnection = None,
    kind: KindOption = None,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="List the dismissed ones instead.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most this many records.")] = 100,
    as_json: AsJSON = False,
) -> None:
    """List the records that are held back from being marked deleted, with names, time and evidence."""
    with open_resources("booksync deletions") as resources, resources.engine.connect() as db:
        found = held_deletions.held(db, one_connection(db, given), kind, dismissed=dismissed)
    tell = results(as_json)
    if not found:
        tell.print("No record was dismissed." if dismissed else _NOTHING)
    for connection_id in dict.fromkeys(each.connection_id for each in found):
        _show(connection_id, [each for each in found if each.connection_id == connection_id], tell, limit)
    if as_json:
        print_json(_counts(found) | {"since": _since(found), "dismissed": dismissed, "held": list(map(_json, found))})


@app.command("apply")
@examples(
    "booksync deletions apply Acme",
    "booksync deletions apply Acme --kind customer --yes --json | jq .applied",
)
def apply_held(
    given: GivenConnection,
    kind: KindOption = None,
    record: RecordOption = None,
    yes: YesOption = False,
    as_json: AsJSON = False,
) -> None:
    """Mark the records deleted, because they were deleted in Zoho on purpose."""
    with open_resources("booksync deletions") as resources:
        connection_id, chosen = _chosen(resources, given, kind, record)
        if chosen and _confirmed("mark deleted", chosen, yes=yes, as_json=as_json):
            subject = f"{len(chosen):,} records"
            with recorded(resources, Action.APPLY_DELETIONS, connection_id=connection_id, subject=subject):
                marked = apply(resources.engine, _connection(resources, connection_id), chosen)
            _report(connection_id, "marked deleted", "applied", marked, as_json=as_json)
            if left := len(chosen) - sum(marked.values()):
                again = counted(left, "record was", "records were")
                notes.print(f"{again} not changed: read from Zoho again, or decided in the meantime.")
        else:
            _report_nothing(connection_id, "applied", chosen, as_json=as_json)


@app.command("dismiss")
@examples(
    "booksync deletions dismiss Acme --record 460000000026049",
    "booksync deletions dismiss Acme --yes --json | jq .dismissed",
)
def dismiss_held(
    given: GivenConnection,
    kind: KindOption = None,
    record: RecordOption = None,
    yes: YesOption = False,
    as_json: AsJSON = False,
) -> None:
    """Keep the records, because they exist and Zoho's list is wrong. Reminders resume once Zoho returns a record."""
    with open_resources("booksync deletions") as resources:
        connection_id, chosen = _chosen(resources, given, kind, record)
        if chosen and _confirmed("keep", chosen, yes=yes, as_json=as_json):
            subject = f"{len(chosen):,} records"
            with recorded(resources, Action.DISMISS_DELETIONS, connection_id=connection_id, subject=subject):
                dismissed = dismiss(resources.engine, _connection(resources, connection_id), chosen)
            _report(connection_id, "kept", "dismissed", dismissed, as_json=as_json)
        else:
            _report_nothing(connection_id, "dismissed", chosen, as_json=as_json)


_NOTHING = "No record is held back from being marked deleted."


def _chosen(
    resources: Resources, given: str, kind: Entity | None, record_ids: Sequence[str] | None
) -> tuple[uuid.UUID, list[Held]]:
    """Return the connection, and the held records that `record_ids` names.

    Without `record_ids`, all of the connection's are returned, or all of `kind`.
    """
    with resources.engine.connect() as db:
        connection_id = find_connection(db, given)
        found = held_deletions.held(db, connection_id, kind)
    if not record_ids:
        return connection_id, found
    unknown = sorted(set(record_ids) - {each.record_id for each in found})
    if unknown:
        raise typer.BadParameter(f"not held: {', '.join(unknown)}", param_hint="--record")
    return connection_id, [each for each in found if each.record_id in record_ids]


def _connection(resources: Resources, connection_id: uuid.UUID) -> connections.Connection:
    with resources.engine.connect() as db:
        return connections.connection(db, connection_id)


def _confirmed(verb: str, chosen: Sequence[Held], *, yes: bool, as_json: bool) -> bool:
    if yes:
        return True
    refuse_to_ask(as_json=as_json)
    _show(chosen[0].connection_id, chosen, notes, _NAMES_SHOWN)
    return typer.confirm(f"{verb.capitalize()} {amounts(_counts(chosen))}?", err=True)


def _report(connection_id: uuid.UUID, done: str, key: str, numbers: Mapping[Entity, int], *, as_json: bool) -> None:
    counts = _as_counts(numbers)
    is_one = sum(counts.values()) == 1
    results(as_json).print(f"{amounts(counts)} {'is' if is_one else 'are'} {done}.")
    if as_json:
        print_json({"connection_id": str(connection_id), key: counts})


def _report_nothing(connection_id: uuid.UUID, key: str, chosen: Sequence[Held], *, as_json: bool) -> None:
    results(as_json).print("Nothing was changed." if chosen else _NOTHING)
    if as_json:
        print_json({"connection_id": str(connection_id), key: _counts([])})


def _show(connection_id: uuid.UUID, found: Sequence[Held], tell: Terminal, limit: int) -> None:
    table = Table([whole("kind"), whole("id in Zoho"), name("name"), whole("since"), sentence("evidence")])
    for each in found[:limit]:
        evidence = "dismissed" if each.dismissed_at else each.evidence.sentence
        table.add_row(each.entity.noun, each.record_id, _name(each), minute_of(each.found_at), evidence)
    tell.print(f"{connection_id}: {amounts(_counts(found))}")
    table.print(tell)
    if len(found) > limit:
        tell.print(f"… and {len(found) - limit:,} more: --limit {len(found)}")


def _name(held: Held) -> str:
    name = held.name or "(no name)"
    return f"{name} of {held.customer_name}" if held.customer_name else name


def _json(held: Held) -> dict[str, Any]:
    return {
        "connection_id": str(held.connection_id),
        "kind": held.entity.kind,
        "record_id": held.record_id,
        "name": held.name,
        "customer_name": held.customer_name or None,
        "evidence": held.evidence,
        "evidence_sentence": held.evidence.sentence,
        "since": held.found_at,
        "dismissed_at": held.dismissed_at,
    }


def _counts(found: Sequence[Held]) -> dict[str, int]:
    return _as_counts(Counter(each.entity for each in found))


def _as_counts(numbers: Mapping[Entity, int]) -> dict[str, int]:
    return {entity.plural: numbers[entity] for entity in entities()}


def _since(found: Sequence[Held]) -> datetime | None:
    return min((each.found_at for each in found), default=None)
