INSERT INTO "public"."users" ("id", "email", "updatedAt")
VALUES ('clu0000000000000000000001', 'ada@example.com', now()) ON CONFLICT DO NOTHING;
INSERT INTO "{schema}"."invoices_cache" (
    "id", "userId", "zohoInvoiceId", "zohoCustomerId", "customerName", "customerPhone", "customerCountryCode",
    "customerTimezone", "status", "dueDate", "total", "balance", "metadata", "tags", "channel", "zohoLastModifiedAt",
    "createdAt", "updatedAt"
) VALUES (
    'cli' || %(number)s, 'clu0000000000000000000001', %(number)s, 'C1', 'Ada Byron', '+442070313000', 'GB',
    'Europe/London', 'sent', '2026-03-01', 120.50, 20.25, '{}', '{a}', 'web', '2026-02-01 10:00:00.123',
    '2026-02-02 10:00:00.123', '2026-02-03 10:00:00.123'
);
INSERT INTO "{schema}"."invoices_cache" ("id", "userId", "zohoInvoiceId", "metadata", "channel", "updatedAt")
VALUES ('clx', 'clu0000000000000000000001', %(number)s, '{}', 'web', '2026-02-04 10:00:00.123')
ON CONFLICT ("userId", "zohoInvoiceId") DO UPDATE SET "status" = 'overdue', "updatedAt" = excluded."updatedAt";
INSERT INTO "{schema}"."reminders" ("id", "userId", "invoiceId", "step", "scheduledAt", "phone", "updatedAt")
VALUES ('clr' || %(number)s, 'clu0000000000000000000001', 'cli' || %(number)s, 3, '2026-03-04 10:00', '+442070313000',
    '2026-02-03 10:00:00.123');
UPDATE "{schema}"."reminders" SET "status" = 'sent' WHERE "id" = 'clr' || %(number)s;
INSERT INTO "{schema}"."sync_metadata" ("id", "userId", "updatedAt")
VALUES ('cls1', 'clu0000000000000000000001', '2026-02-03 10:00:00.123')
ON CONFLICT ("userId") DO UPDATE SET "lastInvoiceSyncAt" = '2026-03-01';
SELECT * FROM "{schema}"."invoices_cache" ORDER BY "id";
SELECT * FROM "{schema}"."reminders" ORDER BY "id";
SELECT * FROM "{schema}"."sync_metadata" ORDER BY "id"
