/** All SQL lives in the store, and the statements that write a table are in the files of its noun. */
import assert from "node:assert/strict";
import { readSource, sourcePaths } from "./sources.ts";

const STORE = "svc/ctrl/internal/store/";

/** Files of the store by the tables that they write. A table whose columns belong to several nouns has several. */
const WRITERS: Readonly<Record<string, readonly string[]>> = {
  acme_accounts: ["acme_accounts"],
  acme_challenges: ["acme_challenges"],
  acme_directories: ["acme_orders"],
  acme_orders: ["acme_orders"],
  agents: ["agents"],
  api_processes: ["processes"],
  audit_log: ["audit"],
  build_inputs: ["build_inputs"],
  build_slots: ["build_slots"],
  certificate_orders: ["certificate_orders"],
  certificates: ["certificates"],
  chunks: ["packs"],
  context_packs: ["contexts"],
  contexts: ["contexts"],
  cron_environments: ["crons"],
  crons: ["crons"],
  custom_domains: ["custom_domains", "domain_end"],
  data_keys: ["data_keys"],
  deployment_events: ["deployment_events", "output_retention"],
  deployment_requests: ["requests"],
  deployment_spans: ["traces"],
  deployment_sleeps: ["sleeps", "topology"],
  deployment_starts: ["starts"],
  deployment_steps: ["steps"],
  deployment_tasks: ["cron_runs", "runs", "tasks"],
  deployment_topology: ["instances", "topology"],
  deployment_traces: ["trace_exports", "traces"],
  deployment_traffic: ["traffic", "traffic_sums"],
  deployments: [
    "build_attempts",
    "built_images",
    "deployment_create",
    "deployment_events",
    "deployment_status",
    "deployments",
    "images",
    "output_retention",
  ],
  environment_variables: ["variables"],
  environments: ["environments"],
  frontline_routes: ["routes"],
  gradual_orders: ["gradual_orders"],
  gradual_switches: ["gradual_switches"],
  held_hostnames: ["held_hostnames"],
  instance_events: ["instance_events"],
  instances: ["instances"],
  live_history: ["live_history"],
  load_reports: ["load_reports"],
  log_block_words: ["log_block_words"],
  log_blocks: ["instance_logs"],
  login_codes: ["login_codes"],
  migrations: ["database", "unfinished_restore"],
  openapi_documents: ["openapi_documents"],
  packs: ["packs"],
  projects: ["depot_projects", "projects"],
  protections: ["protections"],
  region_tokens: ["credentials"],
  region_versions: ["changes"],
  registry_credentials: ["registries"],
  root_keys: ["credentials"],
  scaled_placements: ["scaling", "topology"],
  sentinels: ["sentinels"],
  sessions: ["sessions"],
  shown_revisions: ["views/revisions"],
  silent_regions: ["region_health"],
  state_changes: ["changes"],
  traffic_sums_due: ["traffic", "traffic_sums"],
  traffic_switch_edges: ["switches"],
  traffic_switch_failures: ["switches"],
  traffic_switches: ["switches"],
  uploads: ["uploads"],
  worker_processes: ["processes"],
  workspace_limits: ["workspace_limits"],
  workspaces: ["workspaces"],
  write_probes: ["write_probes"],
};

const STATEMENT = /\.(?:selectFrom|insertInto|updateTable|deleteFrom)\(|\bexecuteQuery\(|\bsql(?:<[^`]*>)?`/;
const WRITE =
  /\.(?:insertInto|updateTable|deleteFrom)\(\s*"(\w+)"|\b(?:upsert|insertIgnore)\(\s*\w+,\s*"(\w+)"|`insert into (\w+)/g;

const isTest = (path: string): boolean => /_test\.ts$|\/testing\w*\.ts$/.test(path);

function tablesWritten(source: string): Set<string> {
  return new Set([...source.matchAll(WRITE)].map(([, call, helper, text]) => call ?? helper ?? text ?? ""));
}

Deno.test("no statement stands outside of the store", async () => {
  const paths = (await sourcePaths()).filter((path) =>
    /^(cmd|svc|pkg)\//.test(path) && !/^pkg\/(db|testkit)\//.test(path) && !path.startsWith(STORE) &&
    !isTest(path)
  );
  assert.ok(paths.length > 300);
  const found: string[] = [];
  for (const path of paths) if (STATEMENT.test(await readSource(path))) found.push(path);
  assert.deepEqual(found, []);
});

Deno.test("each table is written by the files of its noun", async () => {
  const found: Record<string, string[]> = {};
  for (const path of await sourcePaths()) {
    if (!path.startsWith(STORE) || path.startsWith(`${STORE}migrations/`) || isTest(path)) continue;
    for (const table of tablesWritten(await readSource(path))) {
      (found[table] ??= []).push(path.slice(STORE.length, -".ts".length));
    }
  }
  assert.deepEqual(found, WRITERS);
});

Deno.test("statements are found however they are written", () => {
  const planted = [
    'tx.selectFrom("instances")',
    'tx.updateTable("instances").set(row)',
    'tx.deleteFrom(\n  "instances")',
    "sql`select 1`",
    "sql<{ id: string }>`select id from instances`",
    "db.executeQuery(prepared(text, ids))",
  ];
  for (const each of planted) assert.ok(STATEMENT.test(each), each);
  assert.deepEqual(
    [...tablesWritten(
      'x.insertInto("a"); upsert(tx, "b", rows); insertIgnore(\n tx, "c"); sql`insert into d`',
    )],
    ["a", "b", "c", "d"],
  );
});
