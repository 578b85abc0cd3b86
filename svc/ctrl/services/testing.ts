/** An api on a free port with the real store on SQLite in memory; only the workflows are a fake. */
import type { DescService } from "@bufbuild/protobuf";
import { type Client, type Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { transact } from "../../../pkg/db/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { openClientTls } from "../../../pkg/tls/mod.ts";
import { createVault, parseMasterKeys, type Vault } from "../../../pkg/vault/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { ChangeHub } from "../internal/changes/mod.ts";
import type { DeploymentStatus } from "../internal/deployments/status.ts";
import {
  type CtrlDatabase,
  dataKeyStore,
  findDeployment,
  findSentinelOf,
  moveStatus,
  placeDeployment,
  setImage,
  type WantedSentinel,
} from "../internal/store/mod.ts";
import { openTestDatabase } from "../internal/store/testing.ts";
import { revealToken, wantSentinel } from "../internal/sentinels/mod.ts";
import type { Workflows } from "../internal/workflows/mod.ts";
import type { ApiConfig } from "../api/config.ts";
import { runApi } from "../api/run.ts";
import { TEST_BUCKET, TEST_DATABASE } from "./testing_config.ts";
import { type FakeWorkflows, fakeWorkflows } from "./testing_workflows.ts";

export { type FakeWorkflows, fakeWorkflows };

export const clock = systemClock();
export const SERVICE_TOKEN = "service-token-of-the-tests";
const NETWORKS = ["127.0.0.0/8", "10.0.0.0/8"];
export const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";

/** A workspace with a project and a key with every permission. */
export interface Tenant {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly rootKey: string;
}

/** A running api. */
export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly db: CtrlDatabase;
  readonly workflows: FakeWorkflows;
  readonly lines: string[];
  /** A client with this bearer token, or with none. */
  client<S extends DescService>(service: S, token?: string): Client<S>;
  tenant(slug: string): Promise<Tenant>;
  regionToken(region: string): Promise<string>;
  stop(): Promise<void>;
}

/** Settings of a test's api; contexts are kept in `folder`. */
export function testConfig(folder: string, changes: Partial<ApiConfig> = {}): ApiConfig {
  return {
    httpPort: 0,
    host: "127.0.0.1",
    tlsCertFile: undefined,
    tlsKeyFile: undefined,
    tlsClientCaFile: undefined,
    caFile: undefined,
    trustedProxies: [],
    advertiseUrl: undefined,
    dashboardUrl: undefined,
    instanceId: "api_test",
    ...TEST_DATABASE,
    authToken: new Secret(SERVICE_TOKEN),
    vaultMasterKeys: new Secret(MASTER_KEY),
    dataKeyDays: 90,
    dataKeyUses: 1_000_000,
    restateUrl: "http://127.0.0.1:1",
    restateApiKey: undefined,
    ...TEST_BUCKET,
    buildFilesDir: folder,
    buildFilesUrl: undefined,
    buildFilesExternalUrl: undefined,
    buildFilesSigningKey: undefined,
    uploadSizeMax: 1,
    uploadContentMax: 20,
    uploadFilesMax: 1_000,
    uploadsSizeMax: 100,
    uploadsCountMax: 100,
    uploadDiskFreeMib: 0,
    outputKept: 30,
    auditKept: 400,
    outputSizeMax: 64,
    cpuDefault: 256,
    cpuMax: 8_000,
    memoryDefault: 256,
    memoryMax: 16_384,
    replicasMax: 20,
    previewIdleDays: 7,
    stopSecondsMax: 300,
    ephemeralStorageMax: 20_480,
    availableRegions: ["local.dev"],
    defaultDomain: "localhost",
    regionalDomain: undefined,
    domainTarget: undefined,
    domainAddresses: [],
    domainAuthorities: ["letsencrypt.org"],
    domainResolver: undefined,
    domainNameservers: [],
    domainsMax: 100,
    edgeUrl: "http://localhost:7070",
    ...changes,
  };
}

/**
 * Starts an api; `await using` stops it and removes its data, but for a database that was given. With an `engine` its
 * workflows run there, and none are recorded.
 */
export async function startApi(
  changes?: Partial<ApiConfig>,
  given?: CtrlDatabase,
  engine?: Workflows,
): Promise<TestApi> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-api-" });
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const db = given ?? await openTestDatabase(log);
  const hub = new ChangeHub({ db, log, clock, pollMs: 50 });
  const [stop, stopHub] = [new AbortController(), new AbortController()];
  const hubRuns = hub.run(stopHub.signal);
  const workflows = fakeWorkflows();
  const ready = Promise.withResolvers<{ port: number }>();
  const runs = runApi(testConfig(folder, changes), {
    log,
    clock,
    signal: stop.signal,
    onReady: ready.resolve,
    shared: { db, hub },
    workflows: engine ?? workflows,
  });
  runs.catch(ready.reject);
  const { port } = await ready.promise;
  const url = `${changes?.tlsCertFile === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const trust = await openClientTls({ caFile: changes?.caFile }, { clock, log });
  const client = <S extends DescService>(service: S, token?: string): Client<S> =>
    createRpcClient(service, {
      baseUrl: url,
      fetch: trust.fetch,
      ...(token === undefined ? {} : { token: new Secret(token) }),
    });
  const admin = client(AdminService, SERVICE_TOKEN);
  return {
    url,
    port,
    db,
    workflows,
    lines,
    client,
    async tenant(slug) {
      const { workspaceId } = await admin.createWorkspace({ slug });
      const { project } = await admin.createProject({ workspaceId, slug: "shop" });
      const { key } = await admin.createRootKey({ workspaceId, permissions: ["*"] });
      return { workspaceId, projectId: project?.id ?? "", rootKey: key };
    },
    async regionToken(region) {
      return (await admin.createRegionToken({ region, networks: region === "*" ? [] : NETWORKS })).token;
    },
    async stop() {
      stop.abort();
      await runs;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await runs;
      trust.close();
      stopHub.abort();
      await hubRuns;
      if (given === undefined) await db.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Creates a deployment from an image through the API. */
export async function deployImage(
  api: TestApi,
  tenant: Tenant,
  environmentSlug = "production",
): Promise<string> {
  const { deploymentId } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
    projectId: tenant.projectId,
    environmentSlug,
    source: { case: "dockerImage", value: "nginx:1.29" },
  });
  return deploymentId;
}

/** Moves a deployment to a status, as the worker would. */
export async function move(api: TestApi, id: string, to: DeploymentStatus): Promise<void> {
  const from = (await findDeployment(api.db.kysely, id))?.status ?? "pending";
  await transact(api.db, (tx) => moveStatus(tx, { id, from: [from], to, nowMs: clock.now() }));
}

/** Places a deployment in a region, as the worker would. */
export async function place(
  api: TestApi,
  tenant: Tenant,
  id: string,
  region = "local.dev",
  sentinels: readonly WantedSentinel[] = [],
): Promise<void> {
  const nowMs = clock.now();
  await setImage(api.db.kysely, { id, image: "nginx:1.29", nowMs });
  await transact(api.db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId: tenant.workspaceId,
      regions: [{ region, replicas: 1 }],
      sentinels,
      nowMs,
    }));
}

/** The vault of the api under test. */
export function vaultOf({ db }: TestApi): Vault {
  const masterKeys = parseMasterKeys(new Secret(MASTER_KEY));
  return createVault({ masterKeys, store: dataKeyStore(db.kysely), clock });
}

/** Uploads some bytes as a build context, and returns its path. */
export async function uploadContext(api: TestApi, tenant: Tenant): Promise<string> {
  const { uploadUrl, buildContextPath } = await api.client(DeploymentService, tenant.rootKey)
    .createS3UploadURL({ unkeyProjectId: tenant.projectId });
  const stored = await fetch(uploadUrl, { method: "PUT", body: "a context of any size" });
  await stored.body?.cancel();
  assert.equal(stored.status, 200);
  return buildContextPath;
}

/** Places a new deployment with a sentinel, as the worker would, and returns the sentinel's token. */
export async function sentinelToken(
  api: TestApi,
  tenant: Tenant,
  options: { readonly environmentSlug?: string; readonly region?: string } = {},
): Promise<string> {
  const { environmentSlug = "production", region = "local.dev" } = options;
  const id = await deployImage(api, tenant, environmentSlug);
  const vault = vaultOf(api);
  const row = await findDeployment(api.db.kysely, id);
  assert.ok(row !== undefined);
  const shape = { image: "unkey:1", replicas: 2, cpuMillicores: 256, memoryMib: 256 };
  const wanted = await wantSentinel({
    vault,
    shapes: { production: shape, other: { ...shape, replicas: 1 } },
  }, {
    workspaceId: tenant.workspaceId,
    projectId: tenant.projectId,
    environmentId: row.environment_id,
    environmentSlug,
    region,
  }, clock.now());
  await place(api, tenant, id, region, [wanted]);
  const sentinel = await findSentinelOf(api.db.kysely, row.environment_id, region);
  assert.ok(sentinel !== undefined);
  return await revealToken(vault, sentinel);
}

/** The error that a call must end with. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return ConnectError.from(
    await call.then(() => assert.fail("the call must fail"), (error: unknown) => error),
  );
}

/** Asserts code and text of the error that a call must end with. */
export async function refused(call: Promise<unknown>, code: Code, text: RegExp): Promise<void> {
  const error = await failure(call);
  assert.deepEqual(
    { code: error.code, matches: text.test(error.rawMessage) },
    { code, matches: true },
    error.message,
  );
}

/** A call that must be refused, with its code and text. */
export type RefusalCase = readonly [name: string, call: () => Promise<unknown>, code: Code, text: RegExp];

/** One step per refusal. */
export async function eachRefused(t: Deno.TestContext, cases: readonly RefusalCase[]): Promise<void> {
  for (const [name, call, code, text] of cases) await t.step(name, () => refused(call(), code, text));
}

/** The next message of a stream. */
export async function next<T>(stream: AsyncIterator<T>): Promise<T> {
  const { value, done } = await stream.next();
  assert.ok(done !== true, "the stream must not end here");
  return value;
}

/** Waits for a condition, with a deadline that only a broken program reaches. */
export async function eventually(event: string, condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = clock.now() + 120_000; !await condition();) {
    assert.ok(clock.now() < deadline, `${event} did not happen`);
    await clock.sleep(5);
  }
}
