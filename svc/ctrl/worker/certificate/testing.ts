/** A worker's certificates without a workflow engine: a database in memory, a real authority, and an edge for it. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { openAuthority, type RequestPace } from "../../../../pkg/acme/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import type { ProofRecords } from "../../../../pkg/dns01/mod.ts";
import type { DurableObject } from "../../../../pkg/durable/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { execute, type Execution, type Injected, newWorld } from "../../../../pkg/testkit/fake_durable.ts";
import type { TestPebble } from "../../../../pkg/testkit/pebble.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import { cancelCertificate, requestCertificate } from "../../internal/certificates/mod.ts";
import {
  type AcmeLimits,
  type CertificateOrdersTable,
  type CertificatesTable,
  type CtrlDatabase,
  dataKeyStore,
  findCertificate,
  findCertificateOrder,
  findKeyAuthorization,
  updateCertificateOrder,
} from "../../internal/store/mod.ts";
import { memoryDatabase, recordingNotifier } from "../testing.ts";
import { Authorities } from "./authorities.ts";
import type { CertificateDeps } from "./deps.ts";
import { createCertificateSteps } from "./steps.ts";
import type { CertificateSteps, Due } from "./types.ts";
import { processChallenge, type Processed } from "./workflow.ts";

export const WORKSPACE = "ws_test";
const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";
/** The test authority looks at proofs in its own time, which is long on a busy machine. */
const LOOK_MS_MAX = 500;
const RUNS_MAX = 12;

export interface CertificateWorldOptions {
  /** Directories in the order in which they are asked; default: the authority's own. */
  readonly directories?: readonly string[];
  readonly limits?: AcmeLimits;
  readonly pace?: RequestPace;
  /** The authority of a server in front of the test authority, in PEM. */
  readonly trusted?: string;
  readonly records?: ProofRecords;
}

/** The disturbance of one call of the workflow. */
export interface RunOptions {
  readonly fault?: Injected;
  /** Runs at each wait of the workflow. */
  readonly onSleep?: () => Promise<void>;
}

/** Dispose of it to close the database. */
export class CertificateWorld implements AsyncDisposable {
  readonly db: CtrlDatabase;
  readonly deps: CertificateDeps;
  readonly notifier = recordingNotifier();
  readonly lines: string[] = [];
  /** Messages that the workflow sent to itself. */
  readonly sent: { readonly hostname: string; readonly delayMs: number; readonly key: string }[] = [];
  readonly #steps: CertificateSteps;
  #aheadMs = 0;

  private constructor(db: CtrlDatabase, pebble: TestPebble, options: CertificateWorldOptions) {
    const { directories = [pebble.directoryUrl], limits, pace, records, trusted = pebble.trusted } = options;
    this.db = db;
    const system = systemClock();
    const clock: Clock = { ...system, now: () => system.now() + this.#aheadMs };
    const vault = createVault({
      masterKeys: parseMasterKeys(new Secret(MASTER_KEY)),
      store: dataKeyStore(db.kysely),
      clock,
    });
    const open = (directoryUrl: string) =>
      openAuthority({ directoryUrl, clock, trusted: [trusted], profile: "default", pace });
    const all = directories.map((url) => ({ authority: open(url), limits }));
    const authorities = new Authorities(all, { db, clock, vault, email: "ops@example.com" });
    const log = createLogger({ service: "test", level: "debug", write: (line) => this.lines.push(line) });
    this.deps = { db, clock, log, vault, changes: this.notifier, authorities, records };
    this.#steps = createCertificateSteps(this.deps);
  }

  static async make(pebble: TestPebble, options: CertificateWorldOptions = {}): Promise<CertificateWorld> {
    return new CertificateWorld(await memoryDatabase(), pebble, options);
  }

  get nowMs(): number {
    return this.deps.clock.now();
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  async want(hostname: string, workspaceId = WORKSPACE): Promise<void> {
    const { db, clock } = this.deps;
    await requestCertificate({ db, clock, workflows: NO_WORKFLOWS }, { workspaceId, hostname });
  }

  async cancel(hostname: string): Promise<void> {
    const { db, clock, changes } = this.deps;
    await cancelCertificate({ db, clock, changes, workflows: NO_WORKFLOWS }, {
      workspaceId: WORKSPACE,
      hostname,
    });
  }

  /** One call of the workflow. */
  run(hostname: string, options: RunOptions = {}): Promise<Execution<Processed>> {
    const steps = this.#steps;
    const sendAttempt = (
      _: unknown,
      order: { hostname: string },
      sent: { delayMs: number; idempotencyKey: string },
    ) => {
      this.sent.push({ hostname: order.hostname, delayMs: sent.delayMs, key: sent.idempotencyKey });
      return Promise.resolve();
    };
    const body = (durable: DurableObject): Promise<Processed> => {
      const patient: DurableObject = {
        ...durable,
        sleep: async (name, ms) => {
          await durable.sleep(name, ms);
          await options.onSleep?.();
          await systemClock().sleep(Math.min(ms / 4, LOOK_MS_MAX));
        },
      };
      return processChallenge(patient, { steps, sendAttempt }, WORKSPACE);
    };
    const { fault } = options;
    return execute(body, { key: hostname, world: newWorld(), ...(fault === undefined ? {} : { fault }) });
  }

  /** Calls it until the certificate is there, as its messages and the sweep would. */
  async issue(hostname: string, options: RunOptions = {}): Promise<CertificatesTable> {
    for (let runs = 0; runs < RUNS_MAX; runs++) {
      await this.run(hostname, runs === 0 ? options : {});
      const certificate = await this.certificate(hostname);
      const order = await this.order(hostname);
      if (certificate !== undefined && order?.status === "issued") return certificate;
      if (order?.status === "waiting") this.advance(Math.max(0, order.next_attempt_at - this.nowMs));
    }
    throw new Error(`${hostname} is not issued: ${this.lines.slice(-5).join("\n")}`);
  }

  /** Looks through everything, as the worker does each minute. */
  async sweep(days = 0): Promise<Due> {
    await this.#steps.takeAdvice(new AbortController().signal);
    return await this.#steps.due(days);
  }

  order(hostname: string): Promise<CertificateOrdersTable | undefined> {
    return findCertificateOrder(this.db.kysely, hostname);
  }

  certificate(hostname: string): Promise<CertificatesTable | undefined> {
    return findCertificate(this.db.kysely, hostname);
  }

  async change(hostname: string, changes: Partial<CertificateOrdersTable>): Promise<void> {
    await updateCertificateOrder(this.db.kysely, hostname, { updated_at: this.nowMs, ...changes });
  }

  async proofs(): Promise<readonly string[]> {
    const rows = await this.db.kysely.selectFrom("acme_challenges").select("hostname").execute();
    return rows.map(({ hostname }) => hostname);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.close();
  }
}

const NO_WORKFLOWS = { processCertificate: () => Promise.resolve() };
const PATH = "/.well-known/acme-challenge/";

/** An edge for the authority: it answers from the database of whichever world is current. */
export class TestEdge implements AsyncDisposable {
  world: CertificateWorld | undefined;
  /** False: it answers as a server that knows nothing of proofs. */
  answers = true;
  /** Names for which it does the same. */
  isWrong: (hostname: string) => boolean = () => false;
  readonly #server: Deno.HttpServer;

  constructor(port: number) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => undefined }, async (request) => {
      const { hostname, pathname } = new URL(request.url);
      const { world } = this;
      const token = pathname.startsWith(PATH) ? pathname.slice(PATH.length) : "";
      const found = world === undefined || !this.answers || this.isWrong(hostname)
        ? undefined
        : await findKeyAuthorization(world.db.kysely, hostname, token);
      return found === undefined ? new Response("no", { status: 404 }) : new Response(found);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Orders that the authority has ever taken. */
export async function ordersTaken(pebble: TestPebble): Promise<number> {
  return (await pebble.log()).match(/There are now \d+ orders in the db/g)?.length ?? 0;
}
