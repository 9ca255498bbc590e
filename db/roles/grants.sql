-- What each role of booksync may do. booksync_owner runs this after each migration, or `booksync migrate --grants` does.
-- Running it again changes nothing.
BEGIN;

-- Workers, scheduler and commands.
GRANT USAGE ON SCHEMA public, booksync TO booksync_worker;
GRANT SELECT ON booksync.booksync_alembic_version TO booksync_worker;
GRANT SELECT, INSERT ON users TO booksync_worker;
GRANT SELECT, INSERT, UPDATE ON
    booksync.api_use, booksync.scheduler_marks, booksync.key_canary, booksync.erasure_receipts,
    booksync.zoho_clients, booksync.grant_hash_key, booksync.operators
TO booksync_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    sync_metadata, invoices_cache, reminders,
    booksync.zoho_connections, booksync.customers_cache, booksync.reminder_policies, booksync.handovers,
    booksync.handover_outcomes, booksync.entity_watermarks,
    booksync.sync_runs, booksync.staged_contacts, booksync.staged_pages, booksync.staged_persons,
    booksync.seen_records, booksync.failed_records, booksync.rejected_records, booksync.held_deletions, booksync.waiting_invoices,
    booksync.webhook_events, booksync.refreshes, booksync.dead_letters, booksync.do_not_call,
    booksync.phone_confirmations, booksync.processes, booksync.grants, booksync.console_sign_outs,
    booksync.verifications, booksync.operator_actions
TO booksync_worker;

-- The web process. It cannot read the records that a run has staged, and cannot hand over calls, make or change operators and
-- OAuth clients, change a name or an amount, or delete connections, customers and invoices.
GRANT USAGE ON SCHEMA public, booksync TO booksync_web;
GRANT SELECT ON
    users, sync_metadata, invoices_cache, reminders,
    booksync.booksync_alembic_version, booksync.api_use, booksync.scheduler_marks, booksync.key_canary,
    booksync.zoho_clients, booksync.grant_hash_key, booksync.grants, booksync.operators, booksync.console_sign_outs,
    booksync.operator_actions, booksync.verifications, booksync.processes,
    booksync.zoho_connections, booksync.customers_cache, booksync.reminder_policies, booksync.handovers,
    booksync.handover_outcomes, booksync.sync_runs, booksync.failed_records, booksync.rejected_records, booksync.held_deletions,
    booksync.waiting_invoices, booksync.webhook_events, booksync.refreshes, booksync.dead_letters, booksync.do_not_call,
    booksync.phone_confirmations
TO booksync_web;
-- Sign-ins and what operators do.
GRANT UPDATE (last_seen_at) ON booksync.operators TO booksync_web;
GRANT INSERT, DELETE ON booksync.console_sign_outs TO booksync_web;
GRANT INSERT, UPDATE ON booksync.operator_actions, booksync.verifications, booksync.processes TO booksync_web;
-- Webhooks: the inbox, and the records to read again.
GRANT INSERT ON booksync.webhook_events TO booksync_web;
GRANT INSERT, UPDATE ON booksync.refreshes TO booksync_web;
-- Connecting in a browser, and the actions on a connection.
GRANT INSERT ON users, booksync.key_canary, booksync.grant_hash_key TO booksync_web;
GRANT INSERT, UPDATE ON booksync.api_use, sync_metadata, booksync.zoho_connections TO booksync_web;
GRANT INSERT, UPDATE, DELETE ON booksync.grants TO booksync_web;
GRANT INSERT, UPDATE ON booksync.sync_runs, booksync.reminder_policies TO booksync_web;
-- Decisions about calls, numbers, deletions and dead letters.
GRANT INSERT, UPDATE ON reminders TO booksync_web;
GRANT INSERT, DELETE ON booksync.do_not_call TO booksync_web;
GRANT INSERT, UPDATE, DELETE ON booksync.phone_confirmations TO booksync_web;
GRANT UPDATE, DELETE ON booksync.held_deletions TO booksync_web;
GRANT UPDATE (primary_phone, phone_problem, phone_not_callable, phone_verdict, time_zone, time_zones, rest_days, sync_hash, status, observed_at, gone_at, updated_at)
    ON booksync.customers_cache TO booksync_web;
GRANT UPDATE (plan_at, plan_outcome, status, observed_at, gone_at, updated_at) ON invoices_cache TO booksync_web;
-- A run that is parked by a pause or a disconnection: what it has staged is deleted unread.
GRANT DELETE ON
    booksync.staged_contacts, booksync.staged_pages, booksync.staged_persons, booksync.seen_records, booksync.rejected_records,
    booksync.waiting_invoices
TO booksync_web;
GRANT SELECT (run_id) ON booksync.staged_contacts, booksync.staged_persons TO booksync_web;
GRANT SELECT (run_id, server_time, received_at) ON booksync.staged_pages TO booksync_web;
GRANT SELECT ON booksync.seen_records TO booksync_web;
GRANT UPDATE ON booksync.dead_letters TO booksync_web;

-- The application that sends reminders. Both functions run with the owner's privileges, so that it needs none on tables. They
-- set their own search_path and ignore the caller's.
ALTER FUNCTION booksync.claim_due_reminders(integer, uuid, timestamptz) SECURITY DEFINER;
ALTER FUNCTION booksync.report_outcome(uuid, text, uuid, date, text) SECURITY DEFINER;
REVOKE EXECUTE ON FUNCTION
    booksync.claim_due_reminders(integer, uuid, timestamptz), booksync.report_outcome(uuid, text, uuid, date, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    booksync.claim_due_reminders(integer, uuid, timestamptz), booksync.report_outcome(uuid, text, uuid, date, text)
TO booksync_worker, reminder_sender;
GRANT USAGE ON SCHEMA booksync TO reminder_sender;
-- The views for applications. They read with the owner's privileges, and so does the function that lists due calls.
GRANT SELECT ON booksync.customers, booksync.due_calls TO reminder_sender;
GRANT EXECUTE ON FUNCTION booksync.due_calls_of(uuid, timestamptz) TO reminder_sender;

COMMIT;
