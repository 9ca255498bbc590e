import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./application.mjs",
  schemaFilter: ["public"],
  tablesFilter: ["users"],
  dbCredentials: { url: process.env.DATABASE_URL! },
});
