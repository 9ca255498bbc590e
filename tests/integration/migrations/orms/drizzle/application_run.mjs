// The application: writes an invoice with its reminder under the number given, and prints all of its rows.
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";

import { users } from "./application.mjs";
import { invoices, reminders, syncMetadata } from "./shared.mjs";

const db = drizzle(process.env.DATABASE_URL);
const number = process.argv[2];
if (number) {
  await db.insert(users).values({ email: "ada@example.com" }).onConflictDoNothing();
  const [user] = await db.select().from(users);
  const values = {
    userId: user.id, zohoInvoiceId: number, zohoCustomerId: "C1", customerName: "Ada Byron",
    customerPhone: "+442070313000", customerCountryCode: "GB", customerTimezone: "Europe/London", status: "sent",
    dueDate: "2026-03-01", total: "120.50", balance: 20.25, lines: { number }, channel: "web",
    zohoLastModifiedAt: new Date("2026-02-01T10:00:00.123Z"),
  };
  const [invoice] = await db.insert(invoices).values(values).returning();
  await db.insert(invoices).values({ ...values, status: "overdue" }).onConflictDoUpdate({
    target: [invoices.userId, invoices.zohoInvoiceId], set: { status: "overdue", updatedAt: new Date() },
  });
  await db.insert(reminders).values({
    userId: user.id, invoiceId: invoice.id, step: 3, scheduledAt: new Date("2026-03-04T10:00:00Z"),
    phone: "+442070313000",
  });
  await db.update(reminders).set({ status: "sent" }).where(eq(reminders.invoiceId, invoice.id));
  await db.insert(syncMetadata).values({ userId: user.id }).onConflictDoUpdate({
    target: syncMetadata.userId, set: { lastInvoiceSyncAt: new Date("2026-03-01T00:00:00Z") },
  });
}
const rows = [invoices, reminders, syncMetadata].map((table) => db.select().from(table).orderBy(table.id));
console.log(JSON.stringify(await Promise.all(rows)));
process.exit(0);
