/** A line for the output of a deployment. */
export interface RefusalLine {
  readonly deploymentId: string;
  readonly text: string;
  readonly atMs: number;
}

interface Repeated {
  readonly deploymentId: string;
  readonly text: string;
  sinceMs: number;
  /** Times since the last line about it. */
  count: number;
}

/** The same refusal is reported once in this time, then with how often it was. */
const EVERY_MS = 60_000;
/** Different refusals of one deployment in that time; more of them are left out. */
const DIFFERENT_MAX = 8;
/** All that are remembered. */
const KEPT_MAX = 2_000;
const WAITING_MAX = 500;
/** The control plane takes no more at once. */
const BATCH_MAX = 100;

/** The requests that an edge refused in the place of apps, and responses that broke, in few lines. */
export class Refusals {
  readonly #repeated = new Map<string, Repeated>();
  readonly #different = new Map<string, number>();
  #waiting: RefusalLine[] = [];

  /** A request of the deployment was refused, or its response broken. */
  note(deploymentId: string, text: string, nowMs: number): void {
    const key = `${deploymentId} ${text}`;
    const known = this.#repeated.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const different = this.#different.get(deploymentId) ?? 0;
    if (different >= DIFFERENT_MAX || this.#repeated.size >= KEPT_MAX) return;
    this.#different.set(deploymentId, different + 1);
    this.#repeated.set(key, { deploymentId, text, sinceMs: nowMs, count: 0 });
    this.#tell({ deploymentId, text, atMs: nowMs });
  }

  /** The lines to send now; `failed` takes them back. */
  take(nowMs: number): readonly RefusalLine[] {
    for (const [key, each] of this.#repeated) {
      if (nowMs - each.sinceMs < EVERY_MS) continue;
      const { deploymentId, text, count } = each;
      if (count > 0) {
        this.#tell({ deploymentId, text: `${text} (${count} more in ${EVERY_MS / 1_000} s)`, atMs: nowMs });
        [each.count, each.sinceMs] = [0, nowMs];
      } else this.#forget(key, deploymentId);
    }
    return this.#waiting.splice(0, BATCH_MAX);
  }

  /** The control plane did not get these. */
  failed(lines: readonly RefusalLine[]): void {
    this.#waiting = [...lines, ...this.#waiting].slice(-WAITING_MAX);
  }

  #tell(line: RefusalLine): void {
    this.#waiting.push(line);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  #forget(key: string, deploymentId: string): void {
    this.#repeated.delete(key);
    const different = (this.#different.get(deploymentId) ?? 1) - 1;
    if (different === 0) this.#different.delete(deploymentId);
    else this.#different.set(deploymentId, different);
  }
}
