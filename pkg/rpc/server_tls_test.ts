/** A port with a certificate: TLS 1.3 only, both versions of HTTP, certificates of clients, and files that are renewed. */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { readFileSync } from "node:fs";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Clock, systemClock } from "../clock/mod.ts";
import { createLogger, silentLogger } from "../logger/mod.ts";
import { addCertificate, type CertificateFiles, makeCertificate } from "../testkit/certificate.ts";
import { eventually } from "../testkit/eventually.ts";
import { openClientTls, openServerTls, type TlsClientConfig } from "../tls/mod.ts";
import { createRpcClient, hasClientCertificate, type RpcServer, type ServerLimits, serveRpc } from "./mod.ts";

const NAMES = ["DNS:localhost", "IP:127.0.0.1"];
/** Files are looked at without a wait of seconds. */
const CLOCK: Clock = { ...systemClock(), sleep: (_ms, signal) => systemClock().sleep(20, signal) };
const PROCESS = { clock: CLOCK, log: silentLogger() };
const HALF = /former ones stay.*is not that of the certificate/;

/** Two authorities; the first one's certificate is the server's, its "agent-" one that of a client. */
interface Bed extends AsyncDisposable {
  readonly own: CertificateFiles;
  readonly agent: CertificateFiles;
  readonly other: CertificateFiles;
  readonly server: RpcServer;
  readonly url: string;
  /** For each call: its connection had a certificate of the authority. */
  readonly verified: boolean[];
  readonly lines: readonly string[];
}

async function serve(
  { clientCa = false, limits = {} }: { clientCa?: boolean; limits?: Partial<ServerLimits> } = {},
): Promise<Bed> {
  const folder = await Deno.makeTempDir();
  const own = await makeCertificate(`${folder}/own`, NAMES);
  const agent = await addCertificate(`${folder}/own`, ["DNS:agent"], "agent-", "/CN=agent");
  const other = await makeCertificate(`${folder}/other`, NAMES);
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const tls = await openServerTls({
    tlsCertFile: own.certificate,
    tlsKeyFile: own.privateKey,
    tlsClientCaFile: clientCa ? own.authority : undefined,
  }, { clock: CLOCK, log });
  const verified: boolean[] = [];
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock: systemClock(),
    log: silentLogger(),
    tls,
    limits: { drainMsMax: 500, ...limits },
    admit: ({ values }) => void verified.push(hasClientCertificate(values)),
    mount: (router) =>
      router.service(CtrlService, { liveness: () => ({ status: "ok" }) }).service(DeploymentService, {
        async *watchDeploymentEvents(_request, { signal }) {
          for (let number = 1n; !signal.aborted; number++) {
            yield { event: { case: "deploymentEvent" as const, value: { sequence: number } } };
            await systemClock().sleep(20, signal).catch(() => undefined);
          }
        },
      }),
  });
  const stop = new AbortController();
  const following = tls?.follow(stop.signal);
  return {
    own,
    agent,
    other,
    server,
    verified,
    lines,
    url: `https://localhost:${server.port}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Calls the server once. */
async function live(url: string, config: TlsClientConfig, json = false): Promise<string> {
  const trust = await openClientTls(config, PROCESS);
  try {
    const client = createRpcClient(CtrlService, { baseUrl: url, fetch: trust.fetch, json });
    return (await client.liveness({})).status;
  } finally {
    trust.close();
  }
}

function works(call: () => Promise<unknown>): Promise<boolean> {
  return call().then(() => true, () => false);
}

/** The protocol and version of a handshake, or its failure. */
function shake(server: RpcServer, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: server.port, servername: "localhost", ...options });
    socket.once("secureConnect", () => {
      resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
      socket.destroy();
    });
    socket.once("error", (error) => resolve(error.message));
  });
}

Deno.test("a server with a certificate speaks TLS 1.3 with HTTP/2 or HTTP/1.1, and refuses TLS 1.2", async () => {
  await using bed = await serve();
  const ca = readFileSync(bed.own.authority);
  assert.equal(await shake(bed.server, { ca, ALPNProtocols: ["h2", "http/1.1"] }), "TLSv1.3 h2");
  assert.equal(await shake(bed.server, { ca, ALPNProtocols: ["http/1.1"] }), "TLSv1.3 http/1.1");
  assert.match(await shake(bed.server, { ca, maxVersion: "TLSv1.2" }), /ProtocolVersion/);
  for (const json of [false, true]) {
    assert.equal(await live(bed.url, { caFile: bed.own.authority }, json), "ok");
    assert.equal(
      await live(`https://127.0.0.1:${bed.server.port}`, { caFile: bed.own.authority }, json),
      "ok",
    );
  }
  const http1 = Deno.createHttpClient({ http2: false, caCerts: [ca.toString()] });
  const responses = [1, 2].map(() => fetch(`${bed.url}/health/live`, { client: http1 }));
  for (const each of responses) assert.equal(await (await each).text(), '{"status":"alive"}');
  http1.close();
});

Deno.test("a client refuses a server of another authority, and says which setting helps", async () => {
  await using bed = await serve();
  const advice = /not of an authority that is trusted here.*--ca-file \(UNKEY_CA_FILE\)/;
  await assert.rejects(live(bed.url, {}), advice);
  await assert.rejects(live(bed.url, { caFile: bed.other.authority }), advice);
});

Deno.test("a client whose URL has the other scheme gets an error that says so", async () => {
  await using bed = await serve();
  await assert.rejects(live(bed.url.replace("https:", "http:"), {}), /If the server speaks TLS.*use https:/);
});

Deno.test("a call has a client certificate only if its connection showed one of the server's authority", async () => {
  await using bed = await serve({ clientCa: true });
  const { own, agent, other } = bed;
  const caFile = own.authority;
  const shown = { clientCertFile: agent.certificate, clientKeyFile: agent.privateKey };
  const foreign = { clientCertFile: other.certificate, clientKeyFile: other.privateKey };
  for (const config of [{ caFile }, { caFile, ...foreign }, { caFile, ...shown }]) {
    await live(bed.url, config);
  }
  assert.deepEqual(bed.verified, [false, false, true]);
  const trust = await openClientTls({ caFile, ...shown }, PROCESS);
  // gRPC-Web goes through the library's own handlers.
  const web = { method: "POST", headers: { "content-type": "application/grpc-web+proto" } };
  const answer = await trust.fetch(`${bed.url}/ctrl.v1.CtrlService/Liveness`, {
    ...web,
    body: new Uint8Array(5),
  });
  await answer.arrayBuffer();
  trust.close();
  assert.deepEqual(bed.verified.slice(3), [true]);
});

Deno.test("a server that asks for no certificates calls no client verified", async () => {
  await using bed = await serve();
  const { own, agent } = bed;
  await live(bed.url, {
    caFile: own.authority,
    clientCertFile: agent.certificate,
    clientKeyFile: agent.privateKey,
  });
  assert.deepEqual(bed.verified, [false]);
});

Deno.test("renewed files are used by new handshakes while a stream of the former ones goes on", async () => {
  await using bed = await serve();
  const { own, other } = bed;
  const trust = await openClientTls({ caFile: own.authority }, PROCESS);
  const stop = new AbortController();
  const following = trust.follow(stop.signal);
  const client = createRpcClient(DeploymentService, { baseUrl: bed.url, fetch: trust.fetch });
  const events = client.watchDeploymentEvents({ deploymentId: "d_1" }, { signal: stop.signal })
    [Symbol.asyncIterator]();
  const next = async (): Promise<bigint> => {
    const { value } = await events.next();
    return value?.event.case === "deploymentEvent" ? value.event.value.sequence : 0n;
  };
  assert.equal(await next(), 1n);

  const old = { caFile: `${own.authority}.old` };
  await copyFile(own.authority, old.caFile);
  // The key comes later than the certificate: in between, the former pair stays.
  await copyFile(other.certificate, own.certificate);
  await eventually("the refusal of half a pair", () => bed.lines.some((line) => HALF.test(line)));
  assert.equal(await live(bed.url, old), "ok");
  await copyFile(other.privateKey, own.privateKey);
  await eventually("the renewed certificate", () => works(() => live(bed.url, { caFile: other.authority })));
  await assert.rejects(live(bed.url, old), /authority/);

  await copyFile(other.authority, own.authority);
  const again = createRpcClient(CtrlService, { baseUrl: bed.url, fetch: trust.fetch });
  const fresh = `https://127.0.0.1:${bed.server.port}`;
  const elsewhere = createRpcClient(CtrlService, { baseUrl: fresh, fetch: trust.fetch });
  await eventually("the renewed authority", () => works(() => elsewhere.liveness({})));
  assert.equal((await again.liveness({})).status, "ok");
  const before = await next();
  assert.equal(await next(), before + 1n);
  stop.abort();
  await events.next().catch(() => undefined);
  await following;
  trust.close();
});

Deno.test("a stream over TLS goes on for longer than a handshake or a head may take", async () => {
  await using bed = await serve({ limits: { headMsMax: 100 } });
  const trust = await openClientTls({ caFile: bed.own.authority }, PROCESS);
  const client = createRpcClient(DeploymentService, { baseUrl: bed.url, fetch: trust.fetch });
  const [stop, begunMs] = [new AbortController(), performance.now()];
  let lastMs = 0;
  for await (const _ of client.watchDeploymentEvents({ deploymentId: "d_1" }, { signal: stop.signal })) {
    lastMs = performance.now();
    if (lastMs - begunMs > 500) break;
  }
  assert.ok(lastMs - begunMs > 500);
  stop.abort();
  trust.close();
});

Deno.test("a client that begins no handshake, or speaks clear text, is cut", async () => {
  await using bed = await serve({ limits: { headMsMax: 200 } });
  for (const text of ["", "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"]) {
    const socket = createConnection({ host: "127.0.0.1", port: bed.server.port });
    let received = "";
    socket.on("data", (bytes) => received += bytes.toString("latin1")).on("error", () => undefined);
    if (text !== "") socket.write(text);
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    assert.doesNotMatch(received, /HTTP/);
  }
});
