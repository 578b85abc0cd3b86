/** An authority, a worker on a real Restate server, the api, and an edge that answers for names. */
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { KNOT_KEY, TestKnot } from "../../pkg/testkit/knot.ts";
import { TestPebble, type TestPebbleOptions } from "../../pkg/testkit/pebble.ts";
import { AcmeService } from "../../proto/gen/ctrl/v1/acme_pb.ts";
import { FrontlineService, type RouteState } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { cancelCertificate, requestCertificate } from "../../svc/ctrl/internal/certificates/mod.ts";
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
/** All names below it lead to this machine. The name server follows aliases only within a zone, as the authority needs it to. */
const DOMAIN_TARGET = "cname.example.com";
const PATH = "/.well-known/acme-challenge/";

export interface CertificateBedOptions<W extends WorkerPart> {
  readonly worker: WorkerBedOptions<W>["worker"];
  readonly pebble?: TestPebbleOptions;
  readonly env?: Readonly<Record<string, string>>;
  /** The test starts an edge of its own on `httpPort`. */
  readonly ownEdge?: boolean;
}

/** Dispose of it, or its processes stay. */
export class CertificateBed<W extends WorkerPart = WorkerPart> implements AsyncDisposable {
  readonly pebble: TestPebble;
  /** Has the zones `example.com` and `apps.test`; the authority asks it. */
  readonly knot: TestKnot;
  readonly worker: WorkerBed<W>;
  readonly api: TestApi;
  /** Tokens that an authority has asked the edge for. */
  readonly asked: string[] = [];
  /** False: the edge is away. */
  answers = true;
  readonly edgeToken: string;
  /** The authority asks here. */
  readonly httpPort: number;
  readonly #edge: Deno.HttpServer | undefined;

  private constructor(parts: {
    readonly pebble: TestPebble;
    readonly knot: TestKnot;
    readonly worker: WorkerBed<W>;
    readonly api: TestApi;
    readonly edgeToken: string;
    readonly httpPort: number;
    readonly ownEdge: boolean;
  }) {
    this.pebble = parts.pebble;
    this.knot = parts.knot;
    this.worker = parts.worker;
    this.api = parts.api;
    this.edgeToken = parts.edgeToken;
    this.httpPort = parts.httpPort;
    const options = { hostname: "127.0.0.1", port: parts.httpPort, onListen: () => undefined };
    this.#edge = parts.ownEdge ? undefined : Deno.serve(options, (request) => this.#answer(request));
  }

  static async start<W extends WorkerPart>(options: CertificateBedOptions<W>): Promise<CertificateBed<W>> {
    const httpPort = freePort();
    const knot = await TestKnot.start({ "example.com": [], "apps.test": [] });
    const dnsServer = `127.0.0.1:${knot.port}`;
    const pebble = await TestPebble.start({ httpPort, dnsServer, ...options.pebble });
    const worker = await WorkerBed.startWith<W>({
      worker: options.worker,
      env: {
        UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
        UNKEY_ACME_DIRECTORY_URL: pebble.directoryUrl,
        UNKEY_ACME_CA_FILE: pebble.trustedFile,
        UNKEY_ACME_EMAIL: "ops@example.com",
        UNKEY_ACME_PROFILE: "default",
        UNKEY_ACME_DNS_PROVIDER: "rfc2136",
        UNKEY_ACME_DNS_SERVER: dnsServer,
        UNKEY_ACME_DNS_RESOLVER: dnsServer,
        UNKEY_ACME_DNS_NAMESERVERS: dnsServer,
        UNKEY_DOMAIN_TARGET: DOMAIN_TARGET,
        UNKEY_DOMAIN_RESOLVER: dnsServer,
        UNKEY_DOMAIN_NAMESERVERS: dnsServer,
        UNKEY_ACME_DNS_TSIG_KEY: [KNOT_KEY.algorithm, KNOT_KEY.name, KNOT_KEY.secret.reveal()].join(":"),
        ...options.env,
      },
    });
    const domains = {
      domainTarget: DOMAIN_TARGET,
      domainResolver: dnsServer,
      domainNameservers: [dnsServer],
      domainAuthorities: ["pebble.test"],
    };
    const api = await startApi(domains, worker.db, worker.workflows);
    const edgeToken = await api.regionToken("*");
    const ownEdge = options.ownEdge === true;
    return new CertificateBed({ pebble, knot, worker, api, httpPort, edgeToken, ownEdge });
  }

  async request(hostname: string, workspaceId = this.worker.seed.workspaceId): Promise<void> {
    const { db, workflows } = this.worker;
    await requestCertificate({ db, clock, workflows }, { workspaceId, hostname });
  }

  /** Does not want it any more. */
  async cancel(hostname: string): Promise<void> {
    const { db, workflows, seed } = this.worker;
    const changes = { changed: () => undefined };
    await cancelCertificate({ db, clock, workflows, changes }, { workspaceId: seed.workspaceId, hostname });
  }

  /** Looks for what is due, as the worker does each minute. */
  async renew(): Promise<unknown> {
    const path = "/hydra.v1.CertificateService/global/RenewExpiringCertificates";
    const answer = await fetch(`${this.worker.ingressUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    return await answer.json();
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
      token: new Secret(this.edgeToken),
    });
    return client.watchRoutes({ edgeId: "edge", versionLastSeen: since }, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge?.shutdown();
    await this.api[Symbol.asyncDispose]();
    await this.worker.stop();
    await this.pebble[Symbol.asyncDispose]();
    await this.knot[Symbol.asyncDispose]();
  }

  async #answer(request: Request): Promise<Response> {
    const { hostname, pathname } = new URL(request.url);
    if (!this.answers || !pathname.startsWith(PATH)) return new Response("not here", { status: 404 });
    const token = pathname.slice(PATH.length);
    this.asked.push(token);
    const client = createRpcClient(AcmeService, {
      baseUrl: this.api.url,
      token: new Secret(this.edgeToken),
    });
    const { authorization } = await client.verifyCertificate({ domain: hostname, token });
    return new Response(authorization);
  }
}
