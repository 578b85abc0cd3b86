/** The parts of the platform over TLS: api, agent and edge with client certificates, and commands with `--ca-file`. */
import assert from "node:assert/strict";
import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { relative } from "node:path";
import { literalConfig } from "../../cmd/up/literal.ts";
import { unkey } from "../../cmd/shared/testing.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createLogger, silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { addCertificate, type CertificateFiles, makeCertificate } from "../../pkg/testkit/certificate.ts";
import { openClientTls, type TlsClient } from "../../pkg/tls/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { createNudger } from "../../svc/ctrl/internal/changes/mod.ts";
import { leaseApiProcess } from "../../svc/ctrl/internal/store/mod.ts";
import { SERVICE_TOKEN, startApi, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { runKrane } from "../../svc/krane/run.ts";
import { eventually } from "../testbed/wait.ts";
import { dice, FakeRegion } from "./feed_chaos.ts";
import { startEdge } from "./frontline_edge.ts";

const PROCESS = { clock: systemClock(), log: silentLogger() };

/** An api that asks agents and edges for certificates. */
class Bed implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly own: CertificateFiles,
    readonly agent: CertificateFiles,
    readonly api: TestApi,
    readonly trust: TlsClient,
  ) {}

  static async start(): Promise<Bed> {
    const folder = await Deno.makeTempDir();
    const own = await makeCertificate(`${folder}/own`, ["DNS:localhost", "IP:127.0.0.1"]);
    const agent = await addCertificate(`${folder}/own`, ["DNS:agent"], "agent-", "/CN=agent");
    const { certificate: tlsCertFile, privateKey: tlsKeyFile, authority } = own;
    const api = await startApi({ tlsCertFile, tlsKeyFile, tlsClientCaFile: authority, caFile: authority });
    return new Bed(folder, own, agent, api, await openClientTls({ caFile: authority }, PROCESS));
  }

  get url(): string {
    return `https://localhost:${this.api.port}`;
  }

  /** Files of an agent or edge that has a certificate. */
  get clientFiles() {
    const { own: { authority: caFile }, agent } = this;
    return { caFile, clientCertFile: agent.certificate, clientKeyFile: agent.privateKey };
  }

  client<S extends DescService>(service: S, token: string): Client<S> {
    return createRpcClient(service, { baseUrl: this.url, token: new Secret(token), fetch: this.trust.fetch });
  }

  async regionToken(region: string): Promise<string> {
    return (await this.client(AdminService, SERVICE_TOKEN).createRegionToken({ region })).token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.trust.close();
    await this.api[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Starts an agent with a port of its own over TLS; its log's lines come with it. */
async function startAgent(
  { own, folder, url }: Bed,
  token: string,
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly port: number; readonly lines: readonly string[] }> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<{ port: number }>();
  const lines: string[] = [];
  const config = literalConfig(KRANE_FIELDS, {
    UNKEY_CONTROL_PLANE_URL: url,
    UNKEY_CONTROL_PLANE_BEARER: token,
    UNKEY_REGION: "local.dev",
    UNKEY_HTTP_PORT: "0",
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_KRANE_STATE_DIR: `${folder}/krane`,
    UNKEY_TLS_CERT_FILE: own.certificate,
    UNKEY_TLS_KEY_FILE: own.privateKey,
    ...files,
  });
  const runs = runKrane(config, {
    clock: systemClock(),
    log: createLogger({ service: "krane", level: "info", write: (line) => lines.push(line) }),
    signal: stop.signal,
    runtime: new FakeRegion("local.dev", dice(1)),
    onReady: ready.resolve,
  });
  runs.catch(ready.reject);
  const { port } = await ready.promise;
  return {
    port,
    lines,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await runs;
    },
  };
}

Deno.test("an agent and an edge with a client certificate are served, and others get advice", async () => {
  await using bed = await Bed.start();
  const { own, agent } = bed;
  const [region, edgeToken] = [await bed.regionToken("local.dev"), await bed.regionToken("*")];
  const advice = /only with a client certificate.*--client-cert-file \(UNKEY_CLIENT_CERT_FILE\)/;
  {
    await using refused = await startAgent(bed, region, { UNKEY_CA_FILE: own.authority });
    await eventually("the agent's refusal", () => refused.lines.some((line) => advice.test(line)));
    const edge = startEdge(bed.url, { controlPlaneBearer: new Secret(edgeToken), caFile: own.authority });
    await eventually("the edge's refusal", () => edge.logs.some((line) => advice.test(line)));
    await edge[Symbol.asyncDispose]();
  }
  await using served = await startAgent(bed, region, {
    UNKEY_CA_FILE: own.authority,
    UNKEY_CLIENT_CERT_FILE: agent.certificate,
    UNKEY_CLIENT_KEY_FILE: agent.privateKey,
  });
  // Its own port has TLS, too.
  const health = `https://127.0.0.1:${served.port}/health/ready`;
  await eventually("a connected agent", async () => {
    const response = await bed.trust.fetch(health);
    await response.body?.cancel();
    return response.status === 200;
  });
  await using edge = startEdge(bed.url, { controlPlaneBearer: new Secret(edgeToken), ...bed.clientFiles });
  await edge.ready;
});

Deno.test("an agent and an edge warn once of a control plane elsewhere that is called without TLS", async () => {
  await using bed = await Bed.start();
  const warning = /"level":"warn".*not encrypted.*--control-plane-url \(UNKEY_CONTROL_PLANE_URL\) http:/;
  const count = (lines: readonly string[]): number => lines.filter((line) => warning.test(line)).length;
  const url = "http://control.invalid:1";
  await using agent = await startAgent(bed, "region_token", { UNKEY_CONTROL_PLANE_URL: url });
  assert.equal(count(agent.lines), 1);
  await using edge = startEdge(url);
  await eventually("the edge's warning", () => count(edge.logs) > 0);
  await using secure = await startAgent(bed, "region_token", { UNKEY_CA_FILE: bed.own.authority });
  assert.equal(count(secure.lines), 0);
});

Deno.test("a port with TLS answers a health check with --ca-file, and is not trusted without", async () => {
  await using bed = await Bed.start();
  const url = `https://127.0.0.1:${bed.api.port}/health/ready`;
  assert.equal((await unkey(["healthcheck", url])).code, 1);
  const { code, stdout } = await unkey(["healthcheck", url, "--ca-file", bed.own.authority]);
  assert.deepEqual([code, stdout], [0, "ok\n"]);
});

Deno.test("a nudge reaches an api process over TLS", async () => {
  await using bed = await Bed.start();
  const asked: string[] = [];
  const request: typeof fetch = async (input, init) => {
    const response = await bed.trust.fetch(input, init);
    asked.push(`${input} ${response.status}`);
    return response;
  };
  const nudgeUrl = `${bed.url}/internal/nudge`;
  const { db } = bed.api;
  await leaseApiProcess(db.kysely, { id: "other", nudgeUrl, leaseExpiresAtMs: PROCESS.clock.now() + 60_000 });
  const nudger = createNudger({ db, ...PROCESS, token: new Secret(SERVICE_TOKEN), fetch: request });
  nudger.changed(["local.dev"]);
  await nudger.close();
  assert.deepEqual(asked, [`${nudgeUrl} 204`]);
});

Deno.test("a login with --ca-file trusts that authority in all later commands, from any folder", {
  sanitizeResources: false,
}, async () => {
  await using bed = await Bed.start();
  const admin = bed.client(AdminService, SERVICE_TOKEN);
  const { workspaceId } = await admin.createWorkspace({ slug: "acme" });
  const { key } = await admin.createRootKey({ workspaceId, permissions: ["*"] });
  const configDirectory = `${bed.folder}/config`;
  const caFile = bed.own.authority;
  const given = relative(bed.folder, caFile);
  const login = await unkey(["login", bed.url, "--ca-file", given], {
    stdin: key,
    configDirectory,
    cwd: bed.folder,
  });
  assert.equal(login.code, 0, login.stderr);
  const list = (env: Record<string, string> = {}) => unkey(["list", "projects"], { env, configDirectory });
  const listed = await list();
  assert.equal(listed.code, 0, listed.stderr);
  // Another control plane is not trusted for it.
  const other = await list({ UNKEY_API_BASE_URL: `https://127.0.0.1:${bed.api.port}`, UNKEY_ROOT_KEY: key });
  assert.match(other.stderr, /not of an authority that is trusted here/);
});

Deno.test("a deploy uploads over TLS with --ca-file, and is refused without it", {
  // A command's client ends with its process.
  sanitizeResources: false,
}, async () => {
  await using bed = await Bed.start();
  const admin = bed.client(AdminService, SERVICE_TOKEN);
  const { workspaceId } = await admin.createWorkspace({ slug: "acme" });
  await admin.createProject({ workspaceId, slug: "shop" });
  const { key } = await admin.createRootKey({ workspaceId, permissions: ["*"] });
  const app = `${bed.folder}/app`;
  await Deno.mkdir(app);
  await Deno.writeTextFile(`${app}/Dockerfile`, "FROM scratch\n");
  const env = { UNKEY_API_BASE_URL: bed.url, UNKEY_ROOT_KEY: key };
  const words = ["deploy", app, "--project", "shop", "--env", "production", "--detach"];

  const refused = await unkey(words, { env });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /not of an authority that is trusted here.*--ca-file \(UNKEY_CA_FILE\)/);

  const done = await unkey([...words, "--ca-file", bed.own.authority], { env });
  assert.equal(done.code, 0, done.stderr);
  assert.doesNotMatch(done.stderr, /not encrypted/);
});
