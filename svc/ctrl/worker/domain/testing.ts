/** Custom domains of a worker without a workflow engine: a database, a real name server, and a clock that tests move. */
import { openDns } from "../../../../pkg/dns/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import {
  execute,
  type Execution,
  type Injected,
  newWorld,
  type World,
} from "../../../../pkg/testkit/fake_durable.ts";
import { hasKnot, TestKnot } from "../../../../pkg/testkit/knot.ts";
import { newCustomDomain } from "../../internal/domains/mod.ts";
import {
  type CertificateOrdersTable,
  type CtrlDatabase,
  type CustomDomainsTable,
  findCertificateOrder,
  findCustomDomainById,
  findHeldHostname,
  insertCustomDomain,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { instanceReport, orThrow, playDeploy, recordingNotifier, report, worldClock } from "../testing.ts";
import type { DomainDeps } from "./deps.ts";
import { SENDERS } from "./mod.ts";
import { createDomainSteps } from "./steps.ts";
import type { VerifyOutcome } from "./contract.ts";
import { verifyDomain, verifyDueDomains } from "./workflow.ts";

export const ZONE = "example.com";
/** All names below it lead to the edges. */
export const TARGET = "cname.apps.test";
/** The address that the test's zones give to every name. */
export const EDGE = "127.0.0.1";
export const DAY_MS = 86_400_000;

/** Registers a test for each database, with a name server of its own. */
export function testOnNameServer(): (
  name: string,
  run: (db: CtrlDatabase, knot: TestKnot) => Promise<void>,
) => void {
  const testOnDatabase = testOnCtrlDatabases();
  return (name, run) =>
    testOnDatabase(name, async (db) => {
      // Without it the installation that CI makes is incomplete, which its own check tells.
      if (!hasKnot()) return;
      await using knot = await TestKnot.start({ [ZONE]: [], "apps.test": [] });
      await run(db, knot);
    });
}

export class DomainWorld {
  readonly notifier = recordingNotifier();
  readonly world: World = newWorld();
  readonly deps: DomainDeps;

  private constructor(readonly db: CtrlDatabase, readonly knot: TestKnot, changes: Partial<DomainDeps>) {
    const { server } = knot;
    this.deps = {
      db,
      clock: worldClock(this.world),
      log: silentLogger(),
      changes: this.notifier,
      dns: openDns({ resolver: server, nameservers: [server] }),
      platform: { target: TARGET, addresses: [EDGE], authorities: ["ca.test"], ownDomains: ["apps.test"] },
      limits: { verifyMs: 7 * DAY_MS, lostMs: 3 * DAY_MS },
      certificatesMax: 50,
      ...changes,
    };
  }

  /** The tables of a server are shared by its tests, so they begin empty. */
  static async make(
    db: CtrlDatabase,
    knot: TestKnot,
    changes: Partial<DomainDeps> = {},
  ): Promise<DomainWorld> {
    const tables = [
      "custom_domains",
      "held_hostnames",
      "certificate_orders",
      "certificates",
      "acme_orders",
      "frontline_routes",
    ] as const;
    for (const table of tables) await db.kysely.deleteFrom(table).execute();
    return new DomainWorld(db, knot, changes);
  }

  advance(ms: number): void {
    this.world.nowMs += ms;
  }

  /** A project whose production environment serves a deployment, if it is to. */
  async project(
    options: { readonly live: boolean } = { live: true },
  ): Promise<Seed & { readonly live: string }> {
    const seed = await seedProject(this.db);
    return { ...seed, live: options.live ? await this.deploy(seed) : "" };
  }

  async deploy(seed: Seed): Promise<string> {
    const { id } = await seedDeployment(this.db, seed);
    const onWait = () => report(this.db, id, this.world.nowMs, [instanceReport()]);
    orThrow(await playDeploy(this.db, id, { world: this.world, onWait }));
    return id;
  }

  /** As the api adds it. */
  async add(
    seed: Seed,
    hostname: string,
    changes: Partial<CustomDomainsTable> = {},
  ): Promise<CustomDomainsTable> {
    const wanted = {
      workspace_id: seed.workspaceId,
      project_id: seed.projectId,
      environment_id: seed.productionId,
      hostname,
      redirect_to: "",
    };
    const row = { ...newCustomDomain(wanted, { target: TARGET, nowMs: this.world.nowMs }), ...changes };
    await transact(this.db, (tx) => insertCustomDomain(tx, row));
    return row;
  }

  alias({ hostname, target }: CustomDomainsTable): Promise<void> {
    return this.knot.set(ZONE, hostname, "CNAME", `${target}.`);
  }

  text({ hostname, proof_text: value }: CustomDomainsTable, ...others: readonly string[]): Promise<void> {
    return this.knot.set(ZONE, `_unkey.${hostname}`, "TXT", ...[value, ...others].map((each) => `"${each}"`));
  }

  /** One check, in the journal of a workflow that breaks at a chosen step. */
  check({ id }: Pick<CustomDomainsTable, "id">, fault?: Injected): Promise<Execution<VerifyOutcome>> {
    const deps = { steps: createDomainSteps(this.deps), send: SENDERS };
    const options = { key: id, world: this.world, ...(fault === undefined ? {} : { fault }) };
    return execute((durable) => verifyDomain(durable, deps), options);
  }

  /** The outcome of a check that is due by now. */
  async status(row: Pick<CustomDomainsTable, "id">): Promise<string> {
    const due = { next_check_at: this.world.nowMs, updated_at: this.world.nowMs };
    await updateCustomDomain(this.db.kysely, row.id, due);
    return orThrow(await this.check(row)).status;
  }

  async sweep(): Promise<number> {
    const deps = { steps: createDomainSteps(this.deps), send: SENDERS };
    return orThrow(await execute((durable) => verifyDueDomains(durable, deps), { world: this.world }))
      .started;
  }

  async row({ id }: Pick<CustomDomainsTable, "id">): Promise<CustomDomainsTable> {
    const row = await findCustomDomainById(this.db.kysely, id);
    if (row === undefined) throw new Error(`no domain ${id}`);
    return row;
  }

  order(hostname: string): Promise<CertificateOrdersTable | undefined> {
    return findCertificateOrder(this.db.kysely, hostname);
  }

  async holder(hostname: string): Promise<string | null | undefined> {
    return (await findHeldHostname(this.db.kysely, hostname))?.domain_id;
  }

  /** The deployment that a name leads to. */
  async routed(hostname: string): Promise<string | undefined> {
    const row = await this.db.kysely.selectFrom("frontline_routes").select("deployment_id")
      .where("hostname", "=", hostname).executeTakeFirst();
    return row?.deployment_id;
  }

  /** Messages about a key since the last call. */
  sent(key: string): readonly string[] {
    const found = this.world.sent.filter((each) => each.key === key).map(({ handler }) => handler);
    this.world.sent.length = 0;
    return found;
  }
}
