import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { DeploymentViewRow } from "./rows.ts";
import type { DeploymentView } from "./types.ts";

interface Entry {
  readonly row: DeploymentViewRow;
  readonly view: DeploymentView;
  readonly keptAtMs: number;
}

const ENTRIES_MAX = 500;
/** Processes of an older version, which run beside this one during an upgrade, do not count their changes. */
const KEPT_MS_MAX = 2_000;

/** The latest view of each deployment, for as long as its row is the same. */
export class DeploymentViewCache {
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The view that was made when the row had the same cells; the very same object. */
  get(row: DeploymentViewRow): DeploymentView | undefined {
    const entry = this.#entries.get(row.id);
    if (entry === undefined || !isEqual(entry.row, row)) return undefined;
    if (this.#clock.now() - entry.keptAtMs >= KEPT_MS_MAX) return undefined;
    this.#entries.delete(row.id);
    this.#entries.set(row.id, entry);
    return entry.view;
  }

  /** Keeps the view of the row. The place in the queue depends on other deployments, so a queued one is never kept. */
  set(row: DeploymentViewRow, view: DeploymentView): void {
    this.#entries.delete(row.id);
    if (row.status === "queued") return;
    this.#entries.set(row.id, { row, view, keptAtMs: this.#clock.now() });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }
}

function isEqual(a: DeploymentViewRow, b: DeploymentViewRow): boolean {
  for (const name in a) {
    if (!Object.hasOwn(a, name)) continue;
    const column = name as keyof DeploymentViewRow;
    if (a[column] !== b[column]) return false;
  }
  return true;
}
