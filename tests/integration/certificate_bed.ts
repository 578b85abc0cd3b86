/** An authority, a worker on a real Restate server, the api, and an edge that answers for names. */
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { TestPebble, type TestPebbleOptions } from "../../pkg/testkit/pebble.ts";
import { AcmeService } from "../../proto/gen/ctrl/v1/acme_pb.ts";
import { FrontlineService, type RouteState } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { requestCertificate } from "../../svc/ctrl/internal/certificates/mod.ts";
import {
  type CertificateOrdersTable,
  type CertificatesTable,
  findCertificate,
  findCertificateOrder,
} from "../../svc/ctrl/internal/store/mod.ts";
import { MASTER_KEY, startApi, type TestApi } from "../../svc/ctrl/services/testing.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { WorkerBed, type WorkerBedOptions, type WorkerPart } from "./worker_bed.ts";

const clock = systemClock();
const PATH = "/.well-known/acme-challenge/";

export interface CertificateBedOptions<W extends WorkerPart> {
  readonly worker: WorkerBedOptions<W>["worker"];
  readonly pebble?: TestPebbleOptions;
  readonly env?: Readonly<Record<string, string>>;
}

/** Dispose of it, or its processes stay. */
export class CertificateBed<W extends WorkerPart = WorkerPart> implements AsyncDisposable {
  readonly pebble: TestPebble;
  readonly worker: WorkerBed<W>;
  readonly api: TestApi;
  /** Tokens that an authority has asked the edge for. */
  readonly asked: string[] = [];
  /** False: the edge is away. */
  answers = true;
  readonly #edgeToken: string;
  readonly #edge: Deno.HttpServer;

  private constructor(parts: {
    readonly pebble: TestPebble;
    readonly worker: WorkerBed<W>;
    readonly api: TestApi;
    readonly edgeToken: string;
    readonly httpPort: number;
  }) {
    this.pebble = parts.pebble;
    this.worker = parts.worker;
    this.api = parts.api;
    this.#edgeToken = parts.edgeToken;
    const options = { hostname: "127.0.0.1", port: parts.httpPort, onListen: () => undefined };
    this.#edge = Deno.serve(options, (request) => this.#answer(request));
  }

  static async start<W extends WorkerPart>(options: CertificateBedOptions<W>): Promise<CertificateBed<W>> {
    const httpPort = freePort();
    const pebble = await TestPebble.start({ httpPort, ...options.pebble });
    const worker = await WorkerBed.startWith<W>({
      worker: options.worker,
      env: {
        UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
        UNKEY_ACME_DIRECTORY_URL: pebble.directoryUrl,
        UNKEY_ACME_CA_FILE: pebble.trustedFile,
        UNKEY_ACME_EMAIL: "ops@example.com",
        UNKEY_ACME_PROFILE: "default",
        ...options.env,
      },
    });
    const api = await startApi({}, worker.db);
    return new CertificateBed({ pebble, worker, api, httpPort, edgeToken: await api.regionToken("*") });
  }

  async request(hostname: string, workspaceId = this.worker.seed.workspaceId): Promise<void> {
    const { db, workflows } = this.worker;
    await requestCertificate({ db, clock, workflows }, { workspaceId, hostname });
  }

  order(hostname: string): Promise<CertificateOrdersTable | undefined> {
    return findCertificateOrder(this.worker.db.kysely, hostname);
  }

  certificate(hostname: string): Promise<CertificatesTable | undefined> {
    return findCertificate(this.worker.db.kysely, hostname);
  }

  async untilOrder(hostname: string, is: (order: CertificateOrdersTable) => boolean): Promise<void> {
    let last: CertificateOrdersTable | undefined;
    await eventually(`the order of ${hostname}`, async () => {
      last = await this.order(hostname);
      return last !== undefined && is(last);
    }, { everyMs: 20 }).catch(async (error: unknown) => {
      throw new Error(`it is ${JSON.stringify(last)}:\n${await this.worker.worker.logTail()}`, {
        cause: error,
      });
    });
  }

  async issued(hostname: string): Promise<CertificatesTable> {
    await this.untilOrder(hostname, ({ status }) => status === "issued");
    const certificate = await this.certificate(hostname);
    if (certificate === undefined) throw new Error(`${hostname} is issued and has no certificate`);
    return certificate;
  }

  /** The stream of an edge, from a version on. */
  watch(since: bigint, signal: AbortSignal): AsyncIterable<RouteState> {
    const client = createRpcClient(FrontlineService, {
      baseUrl: this.api.url,
      token: new Secret(this.#edgeToken),
    });
    return client.watchRoutes({ edgeId: "edge", versionLastSeen: since }, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge.shutdown();
    await this.api[Symbol.asyncDispose]();
    await this.worker.stop();
    await this.pebble[Symbol.asyncDispose]();
  }

  async #answer(request: Request): Promise<Response> {
    const { hostname, pathname } = new URL(request.url);
    if (!this.answers || !pathname.startsWith(PATH)) return new Response("not here", { status: 404 });
    const token = pathname.slice(PATH.length);
    this.asked.push(token);
    const client = createRpcClient(AcmeService, {
      baseUrl: this.api.url,
      token: new Secret(this.#edgeToken),
    });
    const { authorization } = await client.verifyCertificate({ domain: hostname, token });
    return new Response(authorization);
  }
}
