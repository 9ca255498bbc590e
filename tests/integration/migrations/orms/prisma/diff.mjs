// `prisma migrate diff --script` by Prisma's own schema engine: from the database, or from nothing, to a schema.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as wasm from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";

const [, , start, schema] = process.argv;
const require = createRequire(import.meta.url);
const path = require.resolve("@prisma/schema-engine-wasm").replace(/schema_engine\.js$/, "schema_engine_bg.wasm");
const { instance } = await WebAssembly.instantiate(readFileSync(path), { "./schema_engine_bg.js": wasm });
wasm.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();
global.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };

// The adapter does not know the catalogue's type "char" (18), which the engine reads as a single character.
let characters = [];
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const query = pool.query.bind(pool);
pool.query = async (...given) => {
  const result = await query(...given);
  characters = [];
  result.fields?.forEach((field, place) => {
    if (field.dataTypeID !== 18) return;
    field.dataTypeID = 25;
    characters.push(place);
    for (const row of result.rows) if (row[place] === "") row[place] = " ";
  });
  return result;
};
const factory = new PrismaPg(pool);
const connect = factory.connect.bind(factory);
factory.connect = async () => {
  const adapter = await connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (given) => {
    const result = await queryRaw(given);
    for (const place of characters) result.columnTypes[place] = 6;
    return result;
  };
  return adapter;
};

const content = readFileSync(schema, "utf8");
const files = { files: [{ path: schema, content }], configDir: "." };
const adapter = bindMigrationAwareSqlAdapterFactory(factory);
const engine = await wasm.SchemaEngine.new({ datamodels: [[schema, content]] }, () => {}, adapter);
const externalTables = (process.env.EXTERNAL ?? "").split(",").filter(Boolean);
const { stdout } = await engine.diff({
  from: start === "empty" ? { tag: "empty" } : { tag: "schemaDatasource", ...files },
  to: { tag: "schemaDatamodel", ...files },
  script: true, exitCode: false, shadowDatabaseUrl: null, filters: { externalTables, externalEnums: [] },
});
console.log(stdout);
process.exit(0);
