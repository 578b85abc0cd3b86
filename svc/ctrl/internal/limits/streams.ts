import { findWorkspaceLimit, type Queryable } from "../store/mod.ts";
import { LIMITS } from "./limits.ts";
import { exceeded } from "./reserve.ts";

const RETRY_SECONDS = 10;

/** The streams of each workspace that are open at this process: each holds memory for as long as its client likes. */
export class StreamShares {
  readonly #db: Queryable;
  readonly #open = new Map<string, number>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Open streams of a workspace. */
  used(workspaceId: string): number {
    return this.#open.get(workspaceId) ?? 0;
  }

  /**
   * Passes a stream on and counts it until it ends.
   *
   * @throws `rate_limited` before the first message when the workspace has as many as it may
   */
  async *counted<T>(workspaceId: string, stream: () => AsyncIterable<T>): AsyncGenerator<T> {
    using _place = await this.#take(workspaceId);
    yield* stream();
  }

  /** Counts a call that holds as much memory as a stream. @throws `rate_limited` in the same way */
  async once<T>(workspaceId: string, call: () => Promise<T>): Promise<T> {
    using _place = await this.#take(workspaceId);
    return await call();
  }

  async #take(workspaceId: string): Promise<Disposable> {
    const limit = await findWorkspaceLimit(this.#db, workspaceId, "streams") ?? LIMITS.streams.value;
    const used = this.used(workspaceId);
    if (used >= limit) throw exceeded("streams", limit, { used, retryAfterSeconds: RETRY_SECONDS });
    this.#open.set(workspaceId, used + 1);
    return {
      [Symbol.dispose]: (): void => {
        const left = this.used(workspaceId) - 1;
        if (left > 0) this.#open.set(workspaceId, left);
        else this.#open.delete(workspaceId);
      },
    };
  }
}
