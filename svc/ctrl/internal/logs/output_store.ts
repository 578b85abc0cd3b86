import {
  BLOCK_BYTES_MIN,
  type CtrlDatabase,
  insertInstanceLogs,
  type LogLine,
  trimInstanceLogs,
} from "../store/mod.ts";
import type { LogHub } from "./hub.ts";

export interface OutputStoreOptions {
  readonly db: CtrlDatabase;
  readonly hub: Pick<LogHub, "reported">;
  /** Bytes of output that are kept of each deployment. */
  readonly bytesMax: number;
}

/** A deployment is trimmed after this share of its bound in new text, so it exceeds the bound by at most that. */
const TRIM_SHARE = 1 / 16;
const COUNTED_MAX = 10_000;

/** Adds to the output of deployments, and keeps it within its bound. */
export class OutputStore {
  readonly #options: OutputStoreOptions;
  readonly #untrimmed = new Map<string, number>();

  constructor(options: OutputStoreOptions) {
    this.#options = options;
  }

  async put(deploymentId: string, lines: readonly LogLine[]): Promise<void> {
    const { db, hub, bytesMax } = this.#options;
    await insertInstanceLogs(db.kysely, deploymentId, lines);
    hub.reported(deploymentId);
    const chars = lines.reduce((sum, each) => sum + each.text.length, BLOCK_BYTES_MIN);
    const count = (this.#untrimmed.get(deploymentId) ?? 0) + chars;
    this.#untrimmed.delete(deploymentId);
    if (count >= bytesMax * TRIM_SHARE) {
      return void await trimInstanceLogs(db.kysely, deploymentId, bytesMax);
    }
    // The deployment that printed last comes last, so that one of long ago is forgotten first.
    this.#untrimmed.set(deploymentId, count);
    const [oldest] = this.#untrimmed.keys();
    if (this.#untrimmed.size > COUNTED_MAX && oldest !== undefined) this.#untrimmed.delete(oldest);
  }
}
