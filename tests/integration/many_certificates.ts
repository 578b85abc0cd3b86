/** 500 domains under one edge that the api feeds: certificates in the database, an app, and clients. */
import { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { newId } from "../../pkg/uid/mod.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { sealCertificateKey } from "../../svc/ctrl/internal/certificates/mod.ts";
import { assignRoutes, findDeployment, storeCertificate } from "../../svc/ctrl/internal/store/mod.ts";
import {
  clock,
  deployImage,
  move,
  place,
  startApi,
  type Tenant,
  type TestApi,
  vaultOf,
} from "../../svc/ctrl/services/testing.ts";
import { instanceReport } from "../../svc/ctrl/services/testing_agents.ts";
import { app, startEdge, type TestEdge } from "./frontline_edge.ts";

const REGION = "local.dev";
const DAY_MS = 24 * 60 * 60_000;
/** Processes of OpenSSL at a time. */
const MAKERS = 4;

/** A certificate that names itself. */
export interface SelfSigned {
  readonly hostname: string;
  readonly chain: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** A certificate for each name. */
export async function makeSelfSigned(hostnames: readonly string[]): Promise<readonly SelfSigned[]> {
  const made: SelfSigned[] = [];
  const left = [...hostnames];
  const make = async (): Promise<void> => {
    for (let hostname = left.pop(); hostname !== undefined; hostname = left.pop()) {
      made.push(await selfSigned(hostname));
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, make));
  return made;
}

async function selfSigned(hostname: string): Promise<SelfSigned> {
  const { code, stdout, stderr } = await new Deno.Command("openssl", {
    args: [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
      ],
      ...["-subj", "/CN=test", "-addext", `subjectAltName=DNS:${hostname}`, "-keyout", "-"],
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  const chain = text.slice(at);
  return { hostname, chain, key: text.slice(0, at), fingerprint: new X509Certificate(chain).fingerprint256 };
}

/** Dispose of it to stop its parts. */
export class ManyCertificatesBed implements AsyncDisposable {
  readonly api: TestApi;
  readonly edge: TestEdge;
  readonly #app: ReturnType<typeof app>;

  private constructor(api: TestApi, edge: TestEdge, served: ReturnType<typeof app>) {
    this.api = api;
    this.edge = edge;
    this.#app = served;
  }

  /** An app at all the names. */
  static async start(hostnames: readonly string[]): Promise<ManyCertificatesBed> {
    const api = await startApi();
    const served = app("served");
    const tenant = await api.tenant("acme");
    await routeAll(api, tenant, { hostnames, address: `127.0.0.1:${served.port}` });
    const edge = startEdge(api.url, {
      httpsPort: 0,
      region: REGION,
      controlPlaneBearer: new Secret(await api.regionToken("*")),
    });
    await edge.ready;
    return new ManyCertificatesBed(api, edge, served);
  }

  /** As the worker does when an order is issued. */
  async store({ hostname, chain, key }: SelfSigned): Promise<void> {
    const workspaceId = "ws_1";
    const nowMs = clock.now();
    const sealed = await sealCertificateKey(vaultOf(this.api), { workspaceId, hostname }, new Secret(key));
    await transact(this.api.db, (tx) =>
      storeCertificate(tx, {
        id: newId("certificate", nowMs),
        workspace_id: workspaceId,
        hostname,
        chain,
        encrypted_private_key: sealed,
        not_before: nowMs,
        not_after: nowMs + 30 * DAY_MS,
        renew_at: nowMs + 20 * DAY_MS,
        advice_at: nowMs,
        renewal_id: "",
        directory_url: "https://ca.test/directory",
      }, nowMs));
  }

  /** A handshake for a name. */
  shake(hostname: string): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: "127.0.0.1",
        port: this.edge.httpsPort ?? 0,
        servername: hostname,
        rejectUnauthorized: false,
        ALPNProtocols: ["http/1.1"],
      }, () => resolve(socket));
      socket.once("error", reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
    await this.#app.stop();
  }
}

async function routeAll(
  api: TestApi,
  tenant: Tenant,
  { hostnames, address }: { readonly hostnames: readonly string[]; readonly address: string },
): Promise<void> {
  const deploymentId = await deployImage(api, tenant);
  await move(api, deploymentId, "deploying");
  await place(api, tenant, deploymentId, REGION);
  const row = await findDeployment(api.db.kysely, deploymentId);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  await agent.reportDeploymentStatus(instanceReport(row?.k8s_name ?? "", 1n, Status.RUNNING, address));
  await transact(api.db, (tx) =>
    assignRoutes(tx, {
      routes: hostnames.map((hostname) => ({ hostname, sticky: "none" })),
      deploymentId,
      environmentId: row?.environment_id ?? "",
      projectId: tenant.projectId,
      workspaceId: tenant.workspaceId,
      nowMs: clock.now(),
    }));
}

/** One request on an open connection; the status of its answer. */
export function statusOf(socket: TLSSocket, hostname: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(error);
    const closed = (): void => reject(new Error("The connection was closed"));
    socket.once("error", failed).once("close", closed);
    socket.once("data", (bytes: Uint8Array) => {
      socket.off("error", failed).off("close", closed);
      resolve(Number(new TextDecoder().decode(bytes).slice(9, 12)));
    });
    socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  });
}
