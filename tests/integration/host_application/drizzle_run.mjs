// Read both views through Drizzle, with the text of `booksync schema --drizzle`; print customers, due calls and claims.
import { readFileSync, writeFileSync } from "node:fs";

import { drizzle } from "drizzle-orm/node-postgres";
import { transformSync } from "esbuild";
import pg from "pg";

const { code } = transformSync(readFileSync("booksync.ts", "utf8"), { loader: "ts", format: "esm" });
writeFileSync("booksync.mjs", code);
const booksync = await import("./booksync.mjs");
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const db = drizzle(pool);
const customers = await db.select().from(booksync.customers);
const calls = await db.select().from(booksync.dueCalls);
const taken = (await db.execute(booksync.claimDueReminders(10))).rows;
const reported = (await db.execute(booksync.reportOutcome(taken[0].handover_id, "reached"))).rows;
console.log(JSON.stringify({
  customers: customers.map((each) => each.customerId),
  calls: calls.map((each) => each.reminderId),
  taken: taken.map((each) => each.reminder_id),
  reported: reported[0].report_outcome,
}));
await pool.end();
