/** Databases and first rows for tests. */
import { sql } from "kysely";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { type Logger, silentLogger } from "../../../../pkg/logger/mod.ts";
import { type TestOnDatabases, testOnDatabases } from "../../../../pkg/testkit/databases.ts";
import { mysqlServer, type TestSchema } from "../../../../pkg/testkit/mariadb.ts";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import {
  createDeployment,
  createProject,
  createWorkspace,
  type CtrlDatabase,
  type DeploymentsTable,
  findEnvironmentBySlug,
  migrateCtrlDatabase,
  type NewDeployment,
  openCtrlDatabase,
  type Schema,
} from "./mod.ts";

export const NOW_MS = 1_760_000_000_000;

/** Registers a test for each supported database, with all tables. Call it once per file. */
export function testOnCtrlDatabases(): TestOnDatabases<Schema> {
  return testOnDatabases<Schema>({
    migrate: async (db) => void await migrateCtrlDatabase(db, silentLogger()),
  });
}

/** Databases of MySQL that an earlier test of the file has closed. */
const FREE: TestSchema[] = [];

/**
 * An empty database with all tables: in memory, or on MySQL where `UNKEY_TEST_STORE` says "mysql", as it does when the store's
 * statements are recorded.
 */
export async function openTestDatabase(log: Logger = silentLogger()): Promise<CtrlDatabase> {
  if (Deno.env.get("UNKEY_TEST_STORE") !== "mysql") {
    return await openCtrlDatabase(new Secret("sqlite::memory:"), { migrate: true, log });
  }
  const schema = FREE.pop() ?? await (await mysqlServer())?.createSchema();
  if (schema === undefined) throw new Error("no MySQL-compatible server is installed");
  const db = await openCtrlDatabase(schema.url, { migrate: true, log });
  const { rows } = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = database() and table_name != 'migrations'`.execute(db.kysely);
  for (const { name } of rows) await sql`delete from ${sql.table(name)}`.execute(db.kysely);
  return {
    ...db,
    async close(): Promise<void> {
      await db.close();
      FREE.push(schema);
    },
  };
}

/** A workspace with one project. */
export interface Seed {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly productionId: string;
  readonly previewId: string;
}

export async function seedProject(db: CtrlDatabase): Promise<Seed> {
  const workspaceId = newId("workspace", NOW_MS);
  const slug = newDnsName(12);
  await createWorkspace(db.kysely, { id: workspaceId, name: slug, slug, nowMs: NOW_MS });
  const projectId = newId("project", NOW_MS);
  await transact(db, (tx) =>
    createProject(tx, {
      id: projectId,
      workspaceId,
      name: "Shop",
      slug: "shop",
      defaultBranch: "main",
      nowMs: NOW_MS,
    }));
  const environmentId = async (environment: string): Promise<string> => {
    const row = await findEnvironmentBySlug(db.kysely, workspaceId, projectId, environment);
    if (row === undefined) throw new Error(`the project has no environment "${environment}"`);
    return row.id;
  };
  return {
    workspaceId,
    projectId,
    productionId: await environmentId("production"),
    previewId: await environmentId("preview"),
  };
}

/** A deployment of the seed's production environment, unless `changes` say otherwise. */
export function newDeployment(seed: Seed, changes: Partial<NewDeployment> = {}): NewDeployment {
  return {
    id: newId("deployment", NOW_MS),
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    environment_id: seed.productionId,
    k8s_name: newDnsName(12),
    source: "image",
    build_context_path: null,
    dockerfile_path: null,
    image: "registry.example/shop:1",
    git_commit_sha: "",
    git_branch: "main",
    git_commit_message: "",
    git_commit_author_handle: "",
    git_commit_author_avatar_url: "",
    git_commit_timestamp: 0,
    command: "[]",
    port: 8080,
    health_check_path: "",
    cpu_millicores: 250,
    memory_mib: 256,
    replicas: 0,
    start_seconds: 0,
    app_protocol: null,
    app_settings: null,
    encrypted_environment_variables: "{}",
    idempotency_key: null,
    created_at: NOW_MS,
    ...changes,
  };
}

export async function seedDeployment(
  db: CtrlDatabase,
  seed: Seed,
  changes: Partial<NewDeployment> = {},
): Promise<DeploymentsTable> {
  return (await transact(db, (tx) => createDeployment(tx, newDeployment(seed, changes)))).deployment;
}
