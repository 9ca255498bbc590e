"""An installation with something on each page of the console."""

import psycopg

from sandbox.zoho.control import SandboxControl
from tests.end_to_end.installation import SCHEDULER, WORKER, Installation

PASSWORD = "a long enough password"

#: A text that could leave its place: markup, a mark that turns its direction, and a word wider than a phone.
HOSTILE = "<b>Fabrics</b> \u202e& Sons " + "N" * 120


def synced_connection(installation: Installation) -> str:
    """Connect and sync one organisation, with a worker and a scheduler; return the connection's id.

    ana is an operator.
    """
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    connection_id = str(installation.connect().json["connection_id"])
    run(installation, "sync", connection_id, "--full", "--wait")
    run(installation, "operators", "add", "ana", "--role", "operator", BOOKSYNC_OPERATOR_PASSWORD=PASSWORD)
    return connection_id


def furnish(installation: Installation) -> None:
    """Sync and open one organisation, pause another one, and leave a dead letter, a webhook event and an action behind.

    ana is an operator.
    """
    connection_id = synced_connection(installation)
    run(installation, "reminders", "open", connection_id, "--backlog", "latest")
    second = installation.zoho.organization_ids()[1]
    with SandboxControl(installation.zoho.url, second) as books:
        run(installation, "connect", "--user", _USER, "--organization", second, "--grant-code", books.grant_code())
    run(installation, "pause", second, "--reason", "the year's end")
    run(installation, "do-not-call", "add", "+442070313000", "--user", _USER)
    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as database:
        for statement in _LEFTOVERS:
            database.execute(statement.encode(), {"id": connection_id, "text": HOSTILE})


def run(installation: Installation, *words: str, **changed: str) -> None:
    """Run a command, which must succeed."""
    outcome = installation.run(*words, **changed)
    assert outcome.code == 0, (words, outcome.stderr)


_USER = "6b0f2f0e-0d3c-4a55-9a3e-6f5a1d4f0c11"

_LEFTOVERS = (
    """
    UPDATE booksync.customers_cache SET customer_name = %(text)s, company_name = %(text)s
     WHERE id = (SELECT customer_id FROM invoices_cache WHERE customer_id IS NOT NULL ORDER BY due_date LIMIT 1)
    """,
    """
    INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, connection_id, error_type,
                                       error, traceback, fingerprint, attempts)
    VALUES (%(id)s::uuid::text, 'error', 'sync', 'create_reminders', '{}', %(id)s::uuid, 'OperationalError',
            'the connection was lost', 'workers/sync/reminders.py:40 in create_reminders', 'f1', 3)
    """,
    """
    INSERT INTO booksync.webhook_events (connection_id, entity, record_id, number, kind)
    VALUES (%(id)s::uuid, 'contact', '5001', 1, 'changed')
    """,
    """
    INSERT INTO booksync.operator_actions (operator, action, connection_id, subject, note, state, ended_at)
    VALUES ('ana', 'pause', %(id)s::uuid, '', %(text)s, 'done', now())
    """,
)
