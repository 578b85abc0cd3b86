import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { DeploymentViewRow } from "./rows.ts";
import type { DeploymentView } from "./types.ts";

interface Entry {
  readonly row: DeploymentViewRow;
  readonly shown: DeploymentView;
  readonly keptAtMs: number;
}

const ENTRIES_MAX = 500;
/** Processes of an older version, which run beside this one during an upgrade, do not count what they change. */
const KEPT_MS_MAX = 2_000;

/** Deployments as they were shown last, to be shown again while their rows are the same. */
export class DeploymentViewCache {
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the deployment was shown as when its row had the same cells; the very same object. */
  recall(row: DeploymentViewRow): DeploymentView | undefined {
    const entry = this.#entries.get(row.id);
    if (entry === undefined || !isEqual(entry.row, row)) return undefined;
    if (this.#clock.now() - entry.keptAtMs >= KEPT_MS_MAX) return undefined;
    this.#entries.delete(row.id);
    this.#entries.set(row.id, entry);
    return entry.shown;
  }

  /** Remembers what the row is shown as. The place in the queue depends on other deployments, so it is never kept. */
  keep(row: DeploymentViewRow, shown: DeploymentView): void {
    this.#entries.delete(row.id);
    if (row.status === "queued") return;
    this.#entries.set(row.id, { row, shown, keptAtMs: this.#clock.now() });
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
