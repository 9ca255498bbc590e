// Everything that drizzle-kit managed before booksync.
export { invoiceStatus, reminderStatus, users } from "./application.mjs";
export * from "./shared.mjs";
