/**
 * The promise of the change feed, from a commit to what runs: real writers, two api processes' worth of hubs and streams,
 * a network that breaks, and real agents on runtimes that fail, which are killed and started again from their files.
 */
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact, upsert } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { newDnsName, newId, newSecretToken } from "../../pkg/uid/mod.ts";
import { credentialHash } from "../../svc/ctrl/internal/auth/hash.ts";
import {
  appendChanges,
  compactChanges,
  createNudger,
  type Nudger,
} from "../../svc/ctrl/internal/changes/mod.ts";
import { newDeployment, type Seed, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import {
  createDeployment,
  createRegionToken,
  type CtrlDatabase,
  findRegionVersion,
  listAgents,
  openCtrlDatabase,
} from "../../svc/ctrl/internal/store/mod.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { ChaosProxy, type Dice, dice, FakeRegion, pause } from "./feed_chaos.ts";
import { type Place, SERVICE_TOKEN, startAgent, startApi } from "./feed_property_parts.ts";

/** The amount of work, and the seed of its random choices. */
export interface PropertyOptions {
  readonly databaseUrl: Secret;
  readonly seed: number;
  /** Changes in all regions together. */
  readonly changes: number;
}

/** Counts of the faults that occurred; problems are thrown before it is returned. */
export interface PropertyResult {
  readonly changes: number;
  readonly applied: number;
  readonly removed: number;
  readonly failures: number;
  readonly kills: number;
  /** Of the kills, those after which the agent went on from its cursor on disk. */
  readonly rested: number;
  readonly cuts: number;
  readonly compacted: number;
  readonly writtenMs: number;
  readonly settledMs: number;
}

const REGIONS = 4;
/** Most changes are of the first few: what changes again soon would hide that a change was lost. */
const DEPLOYMENTS = 160;
const BUSY_DEPLOYMENTS = 12;
const BUSY_OF_TEN = 7;
const WRITERS = 6;
const APIS = 2;
const CHANGES_PER_COMMIT_MAX = 60;
const OPEN_MS_MAX = 6;
/** Trouble comes with the work and not with time, so that a slow machine has no more of it. */
const CHANGES_PER_CUT = 60;
const CHANGES_PER_KILL = 400;
const CHANGES_PER_COMPACTION = 400;
const KEPT_VERSIONS_MAX = 200;
const REST_MS_MAX = 4_000;
const LAST_REST_MS_MAX = 180_000;
const SETTLE_MS = 300_000;
const clock = systemClock();
const log = silentLogger();

/** Runs it to its end, and throws what is wrong with the seed that repeats it. */
export async function runProperty(options: PropertyOptions): Promise<PropertyResult> {
  const { databaseUrl, seed } = options;
  const directory = await Deno.makeTempDir({ prefix: "unkey-feed-" });
  const db = await openCtrlDatabase(databaseUrl, { migrate: true, log, clock });
  const stop = new AbortController();
  const apis: Promise<void>[] = [];
  try {
    const ports = Array.from({ length: APIS }, freePort);
    for (const port of ports) {
      apis.push(...await startApi(port, { databaseUrl, directory, signal: stop.signal }));
    }
    await using proxy = new ChaosProxy(ports, dice(seed + 1));
    const world = await World.create(db, { ...options, directory, apiUrl: proxy.url });
    try {
      return await world.run(proxy);
    } finally {
      await world.close();
    }
  } catch (error) {
    throw new Error(`with the seed ${seed}`, { cause: error });
  } finally {
    stop.abort();
    await Promise.all(apis);
    await db.close();
    await Deno.remove(directory, { recursive: true });
  }
}

interface WorldParts extends PropertyOptions {
  readonly directory: string;
  readonly apiUrl: string;
}

class World {
  readonly #db: CtrlDatabase;
  readonly #parts: WorldParts;
  readonly #seed: Seed;
  readonly #deployments: readonly string[];
  readonly #places: readonly Place[];
  readonly #nudger: Nudger;
  /** Regions without writes for now. */
  readonly #calm = new Set<string>();
  #changes = 0;
  #rested = 0;
  #troubledAt = 0;
  #troubles: Promise<void> = Promise.resolve();
  #kills = 0;
  #compacted = 0;

  private constructor(
    db: CtrlDatabase,
    parts: WorldParts,
    seeded: { seed: Seed; deployments: readonly string[]; places: readonly Place[] },
  ) {
    [this.#db, this.#parts] = [db, parts];
    [this.#seed, this.#deployments, this.#places] = [seeded.seed, seeded.deployments, seeded.places];
    this.#nudger = createNudger({ db, clock, log, token: new Secret(SERVICE_TOKEN) });
  }

  static async create(db: CtrlDatabase, parts: WorldParts): Promise<World> {
    const seed = await seedProject(db);
    const deployments: string[] = [];
    for (let n = 0; n < DEPLOYMENTS; n++) {
      deployments.push((await transact(db, (tx) => createDeployment(tx, newDeployment(seed)))).deployment.id);
    }
    const places: Place[] = [];
    for (let n = 0; n < REGIONS; n++) {
      const [region, token] = [newDnsName(12), newSecretToken("region")];
      const hash = credentialHash(token);
      await createRegionToken(db.kysely, {
        id: newId("regionToken", clock.now()),
        region,
        hash,
        networks: [],
        nowMs: 1,
      });
      const runtime = new FakeRegion(region, dice(parts.seed + 100 + n));
      const place: Place = {
        region,
        token,
        runtime,
        stateDir: `${parts.directory}/${region}`,
        kill: () => Promise.resolve(),
      };
      await startAgent(place, parts.apiUrl);
      places.push(place);
    }
    return new World(db, parts, { seed, deployments, places });
  }

  async run(proxy: ChaosProxy): Promise<PropertyResult> {
    const { seed } = this.#parts;
    const startedMs = clock.now();
    const luck = dice(seed + 200);
    const troubled = (): void => this.#trouble(proxy, luck);
    await Promise.all(Array.from({ length: WRITERS }, (_, n) => this.#write(dice(seed + 400 + n), troubled)));
    await this.#troubles;
    for (const place of this.#places) await this.#lastRound(place, luck);
    const writtenMs = clock.now() - startedMs;
    // From here on everything works, and everything has to come right.
    for (const { runtime } of this.#places) runtime.failing = false;
    for (const place of this.#places) await this.#settle(place);
    const sum = (of: (runtime: FakeRegion) => number): number =>
      this.#places.reduce((total, { runtime }) => total + of(runtime), 0);
    return {
      changes: this.#changes,
      applied: sum((runtime) => runtime.applied),
      removed: sum((runtime) => runtime.removed),
      failures: sum((runtime) => runtime.failures),
      kills: this.#kills,
      rested: this.#rested,
      cuts: proxy.cuts,
      compacted: this.#compacted,
      writtenMs,
      settledMs: clock.now() - startedMs - writtenMs,
    };
  }

  async close(): Promise<void> {
    await this.#troubles.catch(() => undefined);
    for (const place of this.#places) await place.kill();
    await this.#nudger.close();
  }

  /** Commits until there are enough changes. A transaction stays open for a random time, also while it holds the region. */
  async #write(roll: Dice, troubled: () => void): Promise<void> {
    while (this.#changes < this.#parts.changes) {
      const places = this.#places.filter((each) => !this.#calm.has(each.region));
      const place = places[roll(places.length)];
      if (place === undefined) throw new Error("no region");
      await this.#commit(place.region, roll);
      // Some wakes get lost.
      if (roll(3) > 0) this.#nudger.changed([place.region]);
      troubled();
    }
  }

  async #commit(region: string, roll: Dice): Promise<void> {
    const count = 1 + roll(CHANGES_PER_COMMIT_MAX);
    this.#changes += count;
    const wanted = Array.from({ length: count }, () => ({
      id: this.#deployments[roll(roll(10) < BUSY_OF_TEN ? BUSY_DEPLOYMENTS : DEPLOYMENTS)] ?? "",
      stopped: roll(6) === 0,
    }));
    await transact(this.#db, async (tx) => {
      if (roll(3) === 0) await pause(roll(OPEN_MS_MAX));
      const changes = wanted.map(({ id }) => ({ resourceType: "deployment" as const, resourceId: id }));
      const versions = await appendChanges(tx, region, changes, clock.now());
      const rows = new Map(wanted.map(({ id, stopped }, n) => [id, {
        deployment_id: id,
        region,
        workspace_id: this.#seed.workspaceId,
        // The runtime reads from it how new the state is.
        desired_replicas: versions[n] ?? 0,
        desired_status: stopped ? "stopped" as const : "started" as const,
        version: versions[n] ?? 0,
        reported_generation: 0,
        created_at: 1,
        updated_at: clock.now(),
      }]));
      if (roll(2) === 0) await pause(roll(OPEN_MS_MAX));
      await upsert(tx, "deployment_topology", [...rows.values()], {
        key: ["deployment_id", "region"],
        update: ["desired_replicas", "desired_status", "version", "updated_at"],
      });
    });
  }

  /** Faults by number of changes. */
  #trouble(proxy: ChaosProxy, roll: Dice): void {
    const before = this.#troubledAt;
    this.#troubledAt = this.#changes;
    const times = (every: number): number => Math.floor(this.#changes / every) - Math.floor(before / every);
    for (let n = times(CHANGES_PER_CUT); n > 0; n--) proxy.cut();
    for (let n = times(CHANGES_PER_KILL); n > 0; n--) this.#later(() => this.#kill(roll));
    for (let n = times(CHANGES_PER_COMPACTION); n > 0; n--) this.#later(() => this.#compact(roll));
  }

  /** One after the other, beside the writers. */
  #later(action: () => Promise<void>): void {
    this.#troubles = this.#troubles.then(action);
  }

  /**
   * Kills an agent and starts it again. Sometimes it is up to date and has saved that, so that it goes on from its cursor
   * on disk after having missed some changes, which may even be compacted by then; otherwise it has to begin anew.
   */
  async #kill(roll: Dice): Promise<void> {
    const place = this.#places[roll(this.#places.length)];
    if (place === undefined) return;
    const { region } = place;
    const [isRested, isCompacted] = [roll(3) > 0, roll(2) === 0];
    if (isRested) {
      this.#calm.add(region);
      if (await this.#saved(place)) this.#rested++;
    }
    await place.kill();
    this.#calm.delete(region);
    this.#kills++;
    const before = await findRegionVersion(this.#db.kysely, region);
    const missed = async (): Promise<boolean> =>
      this.#changes >= this.#parts.changes || await findRegionVersion(this.#db.kysely, region) > before + 20;
    if (isRested) await eventually("changes that it misses", missed, { everyMs: 20 });
    if (isCompacted) await this.#compactRegion(region, roll(10));
    await startAgent(place, this.#parts.apiUrl);
  }

  /**
   * Nothing changes after it, so that nothing can make good what goes wrong here: a rested agent is away while the last
   * changes are made, and finds all of them or not even the first when it comes back.
   */
  async #lastRound(place: Place, roll: Dice): Promise<void> {
    place.runtime.failing = false;
    if (!await this.#saved(place, LAST_REST_MS_MAX)) {
      throw new Error(`the agent of ${place.region} does not come to rest`);
    }
    await place.kill();
    for (let n = 1 + roll(3); n > 0; n--) await this.#commit(place.region, roll);
    if (roll(2) === 0) await this.#compactRegion(place.region, roll(2));
    await startAgent(place, this.#parts.apiUrl);
  }

  /** Waits until the agent has written down that it is up to date; false when that takes too long. */
  async #saved({ region, stateDir }: Place, deadlineMs = REST_MS_MAX): Promise<boolean> {
    const isSaved = async (): Promise<boolean> => {
      const text = await Deno.readTextFile(`${stateDir}/state.json`).catch(() => "{}");
      return JSON.parse(text).cursor === await findRegionVersion(this.#db.kysely, region);
    };
    const waiting = { deadlineMs, everyMs: 50 };
    return await eventually("the agent to rest", isSaved, waiting).then(() => true, () => false);
  }

  async #compact(roll: Dice): Promise<void> {
    for (const { region } of this.#places) await this.#compactRegion(region, roll(KEPT_VERSIONS_MAX));
  }

  async #compactRegion(region: string, keepVersions: number): Promise<void> {
    const retention = { nowMs: clock.now() + 1_000, keepMs: 1, keepVersions };
    this.#compacted += await compactChanges(this.#db.kysely, region, retention);
  }

  /** Waits until the region runs exactly what is desired, and says so. */
  async #settle({ region, runtime }: Place): Promise<void> {
    const wanted = await this.#desired(region);
    const version = await findRegionVersion(this.#db.kysely, region);
    await eventually(`${region} to run what is desired`, async () => {
      if (runtime.problems.length > 0) throw new Error(runtime.problems.slice(0, 5).join("; "));
      const running = [...runtime.running.values()].map(({ name, replicas }) => `${name} ${replicas}`);
      if (running.sort().join() !== wanted) return false;
      const agents = await listAgents(this.#db.kysely, { sinceMs: 0, region });
      return agents.some((each) => each.applied_version === version);
    }, { deadlineMs: SETTLE_MS });
  }

  async #desired(region: string): Promise<string> {
    const rows = await this.#db.kysely.selectFrom("deployment_topology")
      .innerJoin("deployments", "deployments.id", "deployment_topology.deployment_id")
      .select(["k8s_name", "version"])
      .where("region", "=", region).where("desired_status", "=", "started").execute();
    return rows.map((row) => `${row.k8s_name} ${row.version}`).sort().join();
  }
}
