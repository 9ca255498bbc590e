// The application's tables that booksync shares, as Drizzle declares them by default.
import {
  date, doublePrecision, integer, jsonb, numeric, pgTable, serial, text, timestamp, unique, varchar,
} from "drizzle-orm/pg-core";

import { invoiceStatus, reminderStatus, users } from "./application.mjs";

export const invoices = pgTable("invoices_cache", {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  userId: integer("user_id").notNull().references(() => users.id),
  zohoInvoiceId: text("zoho_invoice_id").notNull(),
  zohoCustomerId: text("zoho_customer_id"),
  customerName: text("customer_name"),
  customerPhone: varchar("customer_phone", { length: 20 }),
  customerCountryCode: varchar("customer_country_code", { length: 2 }),
  customerTimezone: text("customer_timezone"),
  invoiceNumber: text("invoice_number"),
  status: invoiceStatus().notNull().default("draft"),
  date: date(),
  dueDate: date("due_date"),
  total: numeric({ precision: 12, scale: 2 }),
  balance: doublePrecision(),
  currencyCode: varchar("currency_code", { length: 3 }),
  lines: jsonb().notNull(),
  channel: text().notNull(),
  zohoLastModifiedAt: timestamp("zoho_last_modified_at"),
  localLastSyncedAt: timestamp("local_last_synced_at").notNull().defaultNow(),
  createdAt: timestamp("created_at").notNull().defaultNow(),
  updatedAt: timestamp("updated_at").notNull().defaultNow(),
}, (table) => [unique().on(table.userId, table.zohoInvoiceId)]);

export const reminders = pgTable("reminders", {
  id: serial().primaryKey(),
  userId: integer("user_id").notNull().references(() => users.id),
  invoiceId: integer("invoice_id").notNull().references(() => invoices.id, { onDelete: "cascade" }),
  step: integer().notNull(),
  scheduledAt: timestamp("scheduled_at").notNull(),
  phone: varchar({ length: 20 }),
  status: reminderStatus().notNull().default("scheduled"),
  createdAt: timestamp("created_at").notNull().defaultNow(),
  updatedAt: timestamp("updated_at").notNull().defaultNow(),
}, (table) => [unique().on(table.invoiceId, table.step)]);

export const syncMetadata = pgTable("sync_metadata", {
  id: serial().primaryKey(),
  userId: integer("user_id").notNull().unique().references(() => users.id),
  lastInvoiceSyncAt: timestamp("last_invoice_sync_at"),
  createdAt: timestamp("created_at").notNull().defaultNow(),
  updatedAt: timestamp("updated_at").notNull().defaultNow(),
});
