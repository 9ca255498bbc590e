// The tables that drizzle-kit manages. The tables that booksync shares are in shared.mjs, which drizzle-kit does not read.
import { pgEnum, pgSequence, pgTable, serial, varchar } from "drizzle-orm/pg-core";

export const invoiceStatus = pgEnum("invoice_status", ["draft", "sent", "overdue", "paid", "void"]);
export const reminderStatus = pgEnum("reminder_status", ["scheduled", "cancelled", "sent"]);

// drizzle-kit would drop the sequences of tables that it does not see.
const keys = { startWith: 1, increment: 1, minValue: 1, maxValue: 2147483647, cache: 1, cycle: false };
export const invoiceKeys = pgSequence("invoices_cache_id_seq", keys);
export const reminderKeys = pgSequence("reminders_id_seq", keys);
export const syncKeys = pgSequence("sync_metadata_id_seq", keys);

export const users = pgTable("users", {
  id: serial().primaryKey(),
  email: varchar({ length: 255 }).notNull().unique(),
});
