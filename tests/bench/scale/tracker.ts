/** The way of new deployments, watched in the database as it goes: their ends, and the edges' acknowledgements. */
import { type CtrlDatabase, EDGE_REGION } from "../../../svc/ctrl/internal/store/mod.ts";
import { ACTIVE_STATUSES } from "../../../svc/ctrl/internal/deployments/status.ts";
import { pause } from "./sampler.ts";

const LOOK_MS = 200;
/** Ends of deploys are asked for with every fifth look. */
const LOOKS_PER_END = 5;
const CHANGES_MAX = 5_000;

/** A deployment whose new names some edge does not know yet. */
interface Switching {
  readonly id: string;
  readonly version: number;
}

export class Tracker {
  /** Status of each deployment that has ended. */
  readonly ended = new Map<string, string>();
  /** When each switch was acknowledged by the last edge, in milliseconds since the epoch. */
  readonly acknowledgedAtMs = new Map<string, number>();
  ownStatements = 0;
  readonly #db: CtrlDatabase;
  readonly #edges: number;
  readonly #open = new Set<string>();
  readonly #stop = new AbortController();
  #switching: Switching[] = [];
  #version = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(db: CtrlDatabase, edges: number) {
    this.#db = db;
    this.#edges = edges;
  }

  /** The deployments that have not ended. */
  get open(): number {
    return this.#open.size;
  }

  /** The switches that some edge has not acknowledged. */
  get switching(): number {
    return this.#switching.length;
  }

  async start(): Promise<void> {
    const row = await this.#db.kysely.selectFrom("region_versions").select("version")
      .where("region", "=", EDGE_REGION).executeTakeFirst();
    this.#version = row?.version ?? 0;
    this.#running = this.#run();
    this.#running.catch(() => undefined); // seen by `stop`
  }

  add(id: string): void {
    this.#open.add(id);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let look = 0; !signal.aborted; look++) {
      await this.#lookAtRoutes();
      if (look % LOOKS_PER_END === 0) await this.#lookAtEnds();
      await pause(LOOK_MS, signal);
    }
  }

  async #lookAtRoutes(): Promise<void> {
    const agents = await this.#db.kysely.selectFrom("agents").select("applied_version")
      .where("region", "=", EDGE_REGION).execute();
    this.ownStatements++;
    const nowMs = Date.now();
    const reached = agents.length < this.#edges
      ? -1
      : Math.min(...agents.map(({ applied_version: version }) => version));
    for (const { id } of this.#switching.filter(({ version }) => version <= reached)) {
      this.acknowledgedAtMs.set(id, nowMs);
    }
    this.#switching = this.#switching.filter(({ version }) => version > reached);
    const rows = await this.#db.kysely.selectFrom("state_changes as c")
      .leftJoin("frontline_routes as r", "r.id", "c.resource_id")
      .select(["c.version", "c.resource_type", "r.deployment_id"])
      .where("c.region", "=", EDGE_REGION).where("c.version", ">", this.#version)
      .orderBy("c.version").limit(CHANGES_MAX).execute();
    this.ownStatements++;
    for (const { version, resource_type: type, deployment_id: id } of rows) {
      this.#version = Math.max(this.#version, version);
      if (type !== "route" || id === null || !this.#isNew(id)) continue;
      this.#switching = [...this.#switching.filter((each) => each.id !== id), { id, version }];
    }
  }

  /** False for one that was there before the load, or whose switch was acknowledged and that has lost its names since. */
  #isNew(id: string): boolean {
    return (this.#open.has(id) || this.ended.has(id)) && !this.acknowledgedAtMs.has(id);
  }

  async #lookAtEnds(): Promise<void> {
    if (this.#open.size === 0) return;
    const rows = await this.#db.kysely.selectFrom("deployments").select(["id", "status"])
      .where("id", "in", [...this.#open]).where("status", "not in", [...ACTIVE_STATUSES]).execute();
    this.ownStatements++;
    for (const { id, status } of rows) {
      this.ended.set(id, status);
      this.#open.delete(id);
    }
  }
}
