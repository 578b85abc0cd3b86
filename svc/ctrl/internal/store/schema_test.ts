import assert from "node:assert/strict";
import { sql } from "kysely";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import type { CtrlDatabase, Schema } from "./mod.ts";

const test = testOnCtrlDatabases();
const FAR = Number.MAX_SAFE_INTEGER;

/** One row of every table. A column that only one side knows does not compile, or does not insert, or does not compare. */
const ROWS: Schema = {
  workspaces: { id: "w", name: "W", slug: "w", k8s_namespace: "ns", created_at: FAR, updated_at: 2 },
  projects: {
    id: "p",
    workspace_id: "w",
    name: "P",
    slug: "p",
    default_branch: "main",
    depot_project_id: null,
    command: '["a"]',
    created_at: 1,
    updated_at: 2,
  },
  environments: {
    id: "e",
    workspace_id: "w",
    project_id: "p",
    slug: "production",
    description: "",
    live_deployment_id: "d",
    is_rolled_back: 1,
    next_sequence: 7,
    created_at: 1,
    updated_at: 2,
    deleted_at: 0,
  },
  environment_variables: {
    id: "v",
    workspace_id: "w",
    environment_id: "e",
    name: "KEY",
    ciphertext: "c",
    created_at: 1,
    updated_at: 2,
  },
  audit_log: {
    id: "a",
    workspace_id: "w",
    actor_kind: "root_key",
    actor_id: "key",
    actor_name: "ci",
    action: "deployment.create",
    resource_type: "deployment",
    resource_id: "d",
    project_id: "p",
    environment_id: "e",
    facts: "{}",
    created_at: FAR,
  },
  data_keys: { id: "k", keyring: "e", encrypted_key: "x", created_at: 1 },
  root_keys: {
    id: "rk",
    workspace_id: "w",
    name: "n",
    hash: "h",
    start: "unkey_ab",
    permissions: "[]",
    created_at: 1,
    revoked_at: null,
  },
  registry_credentials: {
    workspace_id: "w",
    host: "ghcr.io",
    username: "u",
    ciphertext: "c",
    created_at: 1,
    updated_at: 2,
  },
  region_tokens: { id: "rt", region: "local", hash: "h", created_at: 1, revoked_at: 5 },
  uploads: {
    id: "u",
    workspace_id: "w",
    project_id: "p",
    object_key: "p/u.tar.gz",
    size_bytes: 5,
    checksum_sha256: "s",
    created_at: 1,
    expires_at: 2,
  },
  build_inputs: {
    deployment_id: "d",
    // The bytes' class is the driver's own.
    dockerfile: null,
    settings: "{}",
    sealed_secrets: "{}",
    created_at: FAR,
  },
  deployments: {
    id: "d",
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    k8s_name: "k",
    sequence: 1,
    source: "context",
    build_context_path: "p/u.tar.gz",
    dockerfile_path: "Dockerfile",
    image: null,
    build_id: "b",
    git_commit_sha: "abc",
    git_branch: "main",
    git_commit_message: "message \u{1F600}",
    git_commit_author_handle: "who",
    git_commit_author_avatar_url: "https://example.com/a.png",
    git_commit_timestamp: 3,
    command: "[]",
    port: 8080,
    health_check_path: "/health",
    cpu_millicores: 250,
    memory_mib: 256,
    encrypted_environment_variables: "{}",
    status: "failed",
    failure_code: "build_failed",
    error_message: "it failed",
    failure_details: "{}",
    idempotency_key: "once",
    request_fingerprint: "f",
    redeploy_of: "d0",
    submitted_at: 4,
    cancel_requested_at: 5,
    next_event_sequence: 6,
    created_at: 1,
    updated_at: 2,
    ended_at: 7,
    image_removed_at: 8,
    output_removed_at: 9,
  },
  deployment_events: { deployment_id: "d", sequence: 1, kind: "status", payload: "{}", created_at: 1 },
  deployment_steps: {
    deployment_id: "d",
    name: "building",
    status: "failed",
    message: "m",
    error_message: "e",
    started_at: 1,
    ended_at: 2,
  },
  build_slots: {
    deployment_id: "d",
    workspace_id: "w",
    state: "offered",
    enqueued_at: 1,
    turn_at: 2,
    lease_until: 3,
    ticket: 4,
    reported_ahead: 5,
  },
  deployment_topology: {
    deployment_id: "d",
    region: "local",
    workspace_id: "w",
    desired_replicas: 1,
    desired_status: "started",
    version: 9,
    reported_generation: 10,
    created_at: 1,
    updated_at: 2,
  },
  instances: {
    id: "i",
    deployment_id: "d",
    workspace_id: "w",
    project_id: "p",
    region: "local",
    k8s_name: "pod",
    address: "127.0.0.1:8080",
    cpu_millicores: 250,
    memory_mib: 256,
    status: "failed",
    reason: "oom_killed",
    message: "out of memory",
    exit_code: 137,
    restarts: 3,
    last_log_lines: '["x"]',
    created_at: 1,
    updated_at: 2,
  },
  instance_logs: {
    deployment_id: "d",
    instance: "pod",
    time_ns: "01760000000000000000",
    ordinal: 0,
    region: "local",
    stream: "stdout",
    text: "hello",
  },
  frontline_routes: {
    id: "r",
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    deployment_id: "d",
    hostname: "shop.localhost",
    sticky: "live",
    created_at: 1,
    updated_at: 2,
  },
  sentinels: {
    id: "se",
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    region: "local",
    k8s_name: "sentinel",
    k8s_address: "sentinel.sentinel.svc.cluster.local:8040",
    image: "unkey:1",
    desired_replicas: 3,
    cpu_millicores: 256,
    memory_mib: 256,
    desired_state: "running",
    version: FAR,
    health: "healthy",
    available_replicas: 2,
    reported_generation: FAR,
    token_hash: "b".repeat(64),
    encrypted_token: "c2VhbGVk",
    created_at: 1,
    updated_at: 2,
  },
  region_versions: { region: "local", version: FAR },
  state_changes: {
    region: "local",
    version: 1,
    resource_type: "deployment",
    resource_id: "d",
    created_at: 1,
  },
  live_history: {
    environment_id: "e",
    sequence: FAR,
    deployment_id: "d",
    previous_deployment_id: "d0",
    created_at: 1,
  },
  deployment_starts: { deployment_id: "d", start_id: "s", created_at: 1, is_cold: 1 },
  shown_revisions: { deployment_id: "d", revision: FAR },
  agents: {
    agent_id: "a",
    region: "local",
    applied_version: 1,
    observed_version: 2,
    last_seen_at: 3,
    last_nack_resource: "d",
    last_nack_error: "why",
    last_nack_at: 4,
  },
  silent_regions: { region: "r", since: 1 },
  api_processes: { id: "api", nudge_url: "http://127.0.0.1:1/internal/nudge", lease_expires_at: 5 },
};

test("every table has exactly the columns of its type", async (db) => {
  for (const [table, row] of Object.entries(ROWS)) {
    // The keys of ROWS are the tables.
    const name = table as keyof Schema;
    await db.kysely.deleteFrom(name).execute();
    await insertRow(db, name, row);
    const read = await db.kysely.selectFrom(name).selectAll().execute();
    assert.deepEqual(read.map(plain), [plain(row)], table);
    await db.kysely.deleteFrom(name).execute();
  }
});

/** The drivers have classes of their own for bytes. */
function plain(row: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
  );
}

async function insertRow(db: CtrlDatabase, table: keyof Schema, row: object): Promise<void> {
  const cells = Object.entries(row);
  await sql`insert into ${sql.table(table)} (${sql.join(cells.map(([name]) => sql.ref(name)))})
    values (${sql.join(cells.map(([, value]) => value))})`.execute(db.kysely);
}

test("what must be unique is", async (db) => {
  const twice = async <T extends keyof Schema>(
    table: T,
    ...changes: Partial<Schema[T]>[]
  ): Promise<boolean[]> => {
    const outcomes: boolean[] = [];
    for (const change of [{}, ...changes]) {
      outcomes.push(
        await insertRow(db, table, { ...ROWS[table], ...change }).then(() => true, (error: unknown) => {
          if (isFault(error, "already_exists")) return false;
          throw error;
        }),
      );
    }
    await db.kysely.deleteFrom(table).execute();
    return outcomes;
  };
  const deployment = { id: "d2", k8s_name: "k2", sequence: 2, idempotency_key: "twice" };
  assert.deepEqual(
    await twice(
      "deployments",
      { ...deployment, k8s_name: "k" },
      { ...deployment, sequence: 1 },
      { ...deployment, idempotency_key: "once" },
      { ...deployment, idempotency_key: null },
      { ...deployment, id: "d3", k8s_name: "k3", sequence: 3, idempotency_key: null },
    ),
    [true, false, false, false, true, true],
  );
  assert.deepEqual(await twice("workspaces", { id: "w2", k8s_namespace: null }), [true, false]);
  assert.deepEqual(await twice("projects", { id: "p2" }, { id: "p2", workspace_id: "w2" }), [
    true,
    false,
    true,
  ]);
  assert.deepEqual(await twice("environments", { id: "e2" }, { id: "e2", project_id: "p2" }), [
    true,
    false,
    true,
  ]);
  assert.deepEqual(await twice("environment_variables", { id: "v2" }), [true, false]);
  assert.deepEqual(
    await twice("registry_credentials", { username: "v" }, { host: "docker.io" }, { workspace_id: "w2" }),
    [true, false, true, true],
  );
  assert.deepEqual(await twice("root_keys", { id: "rk2" }), [true, false]);
  assert.deepEqual(await twice("region_tokens", { id: "rt2" }), [true, false]);
  assert.deepEqual(await twice("frontline_routes", { id: "r2", environment_id: "e2" }), [true, false]);
  const apart = { id: "se2", k8s_name: "s2", environment_id: "e2", version: 2, token_hash: "x" };
  assert.deepEqual(
    await twice(
      "sentinels",
      { ...apart, k8s_name: "sentinel" },
      { ...apart, environment_id: "e" },
      { ...apart, version: FAR },
      { ...apart, token_hash: "b".repeat(64) },
      apart,
    ),
    [true, false, false, false, false, true],
  );
  assert.deepEqual(await twice("instances", { id: "i2" }, { id: "i2", region: "far" }), [true, false, true]);
  assert.deepEqual(await twice("deployment_topology", { deployment_id: "d2" }), [true, false]);
});
