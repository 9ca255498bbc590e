"""The pages of the console. If two routes fit an address, the first one counts: `/connections/new` is before
`/connections/{connection_id}`."""

from workers.web.console import (
    activity,
    calls,
    connect,
    connection,
    connection_actions,
    customers,
    dead_letters,
    deletions,
    invoices,
    opening,
    overview,
    policy,
    sign_in,
    verification,
    webhook,
)

CONSOLE = (
    overview,
    sign_in,
    connect,
    connection,
    connection_actions,
    opening,
    policy,
    webhook,
    verification,
    customers,
    invoices,
    calls,
    dead_letters,
    deletions,
    activity,
)
