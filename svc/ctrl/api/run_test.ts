import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { loadConfig, Secret } from "../../../pkg/config/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { ClusterService } from "../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { CtrlService } from "../../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { listNudgeUrls } from "../internal/store/mod.ts";
import { API_FIELDS, API_RULES } from "./config.ts";
import {
  clock,
  deployImage,
  eventually,
  failure,
  next,
  SERVICE_TOKEN,
  startApi,
  testConfig,
} from "../services/testing.ts";
import { runApi } from "./run.ts";

Deno.test("runApi() serves from its own database, and is ready only while it runs", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-api-" });
  const stop = new AbortController();
  try {
    const ready = Promise.withResolvers<{ port: number }>();
    const config = testConfig(folder, { databasePrimary: new Secret(`sqlite://${folder}/unkey.db`) });
    const runs = runApi(config, { log: silentLogger(), clock, signal: stop.signal, onReady: ready.resolve });
    runs.catch(ready.reject);
    const { port } = await ready.promise;
    const health = await fetch(`http://127.0.0.1:${port}/health/ready`);
    assert.deepEqual([health.status, await health.json()], [200, { status: "ready" }]);
    stop.abort();
    await runs;
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health/ready`));
  } finally {
    stop.abort();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a second api on the same port fails to start, and its error names the setting", async () => {
  await using api = await startApi();
  const config = testConfig("/nonexistent", { httpPort: api.port });
  const second = runApi(config, { log: silentLogger(), clock, signal: new AbortController().signal });
  await assert.rejects(second, (error) => {
    assert.ok(error instanceof Fault && error.code === "failed_precondition");
    assert.match(error.publicMessage ?? "", new RegExp(`${api.port}.*--http-port \\(UNKEY_HTTP_PORT\\)`));
    return true;
  });
});

/** A stream that stays open would keep the process from stopping, or cost its agent the idle timeout before it reconnects. */
Deno.test("a stop ends all open streams promptly", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const developer = api.client(DeploymentService, tenant.rootKey);
  const agent = api.client(ClusterService, await api.regionToken("local.dev"));
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const streams: AsyncIterator<unknown>[] = [
    developer.watchDeploymentEvents({ deploymentId: id })[Symbol.asyncIterator](),
    agent.watchDeployments({ region: "local.dev" })[Symbol.asyncIterator](),
    agent.watchSentinels({ region: "local.dev" })[Symbol.asyncIterator](),
    edge.watchRoutes({})[Symbol.asyncIterator](),
  ];
  for (const stream of streams) await next(stream);
  const over = Promise.allSettled(streams.map(async (stream) => {
    while ((await stream.next()).done !== true);
  }));
  await api.stop();
  await over;
  assert.equal(api.lines.some((line) => line.includes("did not end in time")), false);
});

Deno.test("a nudge needs the service token, and the process registers its URL for nudges", async () => {
  await using api = await startApi({ advertiseUrl: "http://127.0.0.1:7091" });
  const tenant = await api.tenant("acme");
  const nudge = async (token?: string, method = "POST"): Promise<number> => {
    const response = await fetch(`${api.url}/internal/nudge`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: method === "POST" ? JSON.stringify({ regions: ["local.dev"] }) : null,
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await nudge(), 401);
  assert.equal(await nudge(tenant.rootKey), 403);
  assert.equal(await nudge(SERVICE_TOKEN, "GET"), 405);
  assert.equal(await nudge(SERVICE_TOKEN), 204);
  await eventually("the lease", async () => (await listNudgeUrls(api.db.kysely, clock.now())).length > 0);
  assert.deepEqual(await listNudgeUrls(api.db.kysely, clock.now()), ["http://127.0.0.1:7091/internal/nudge"]);
  await api.stop();
  assert.deepEqual(await listNudgeUrls(api.db.kysely, clock.now()), []);
});

Deno.test("liveness needs no credentials, and no log line holds one", async () => {
  await using api = await startApi();
  const { status, instanceId } = await api.client(CtrlService).liveness({});
  assert.deepEqual([status, instanceId], ["ok", "api_test"]);
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  assert.equal((await failure(client.getDeployment({ deploymentId: "d_missing" }))).code, Code.NotFound);
  const lines = api.lines.join("\n");
  assert.match(lines, /"procedure":"ctrl.v1.DeploymentService\/GetDeployment"/);
  assert.ok(!lines.includes(tenant.rootKey) && !lines.includes(SERVICE_TOKEN));
});

Deno.test("settings that contradict each other are all reported in one error, without values", () => {
  const load = (env: Record<string, string>) => () =>
    loadConfig(
      API_FIELDS,
      { flags: new Map(), env: (name) => env[name], readFile: () => "" },
      API_RULES,
    );
  const base = {
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
    UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
    UNKEY_VAULT_MASTER_KEYS: btoa("a master key for the tests here."),
  };
  const files = { ...base, UNKEY_BUILD_FILES_DIR: "/tmp/x" };
  const config = load(files)();
  assert.throws(
    load({ ...files, UNKEY_TLS_CLIENT_CA_FILE: "ca.pem", UNKEY_TLS_KEY_FILE: "key.pem" }),
    /--tls-cert-file.*is required with --tls-key-file.*\n.*--tls-cert-file.*is required with --tls-client-ca-file/,
  );
  assert.throws(
    load({
      ...files,
      UNKEY_TLS_CERT_FILE: "cert.pem",
      UNKEY_TLS_KEY_FILE: "key.pem",
      UNKEY_ADVERTISE_URL: "http://api-1.internal:7091",
    }),
    /--advertise-url \(UNKEY_ADVERTISE_URL\) must begin with https:\/\/ with --tls-cert-file/,
  );
  assert.deepEqual([config.httpPort, config.host, config.uploadSizeMax], [7091, "0.0.0.0", 512]);
  assert.throws(load(base), /exactly one of --build-s3-url .* neither is set/);
  assert.throws(load({ ...files, UNKEY_BUILD_S3_URL: "http://s3" }), (error) => {
    assert.ok(error instanceof Error);
    assert.match(
      error.message,
      /both are set[^]*UNKEY_BUILD_S3_BUCKET[^]*ACCESS_KEY_ID[^]*ACCESS_KEY_SECRET/,
    );
    return true;
  });
  assert.throws(load({ ...files, UNKEY_AUTH_TOKEN: "hunter2" }), (error) => {
    assert.ok(error instanceof Error && !error.message.includes("hunter2"));
    return /UNKEY_AUTH_TOKEN must have at least 24 characters/.test(error.message);
  });
  assert.throws(load({ ...files, UNKEY_VAULT_MASTER_KEYS: "hunter2" }), (error) => {
    assert.ok(error instanceof Error && !error.message.includes("hunter2"));
    return /UNKEY_VAULT_MASTER_KEYS key 1 must be base64/.test(error.message);
  });
});
