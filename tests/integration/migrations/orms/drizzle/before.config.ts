import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./before.mjs",
  dbCredentials: { url: process.env.DATABASE_URL! },
});
