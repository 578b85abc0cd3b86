import type { Clock } from "../../../../pkg/clock/mod.ts";
import {
  type DeploymentView,
  DeploymentViewCache,
  listDeploymentViewsByIds,
  type Queryable,
} from "../../internal/store/mod.ts";

export interface DeploymentReader {
  /** The deployment as it is now, or `undefined`; another workspace's is as good as missing. */
  find(id: string, workspaceId: string): Promise<DeploymentView | undefined>;
}

const BATCH_MAX = 100;
const BATCHES_AT_ONCE_MAX = 2;

interface Batch {
  readonly ids: Set<string>;
  readonly rows: Promise<ReadonlyMap<string, DeploymentView>>;
  readonly start: () => void;
}

/**
 * A reader that gathers the calls during earlier reads into one read. A lone call does not wait, and a busy process
 * queries the database a few times per round trip instead of once per call. Every read begins after its call, so it sees
 * everything that was committed before the call. A deployment that has not changed since it was read last is the same
 * object again.
 */
export function createDeploymentReader(
  { db, clock }: { readonly db: Queryable; readonly clock: Clock },
): DeploymentReader {
  const memory = new DeploymentViewCache(clock);
  let running = 0;
  const waiting: Batch[] = [];

  const next = (): void => {
    const batch = running < BATCHES_AT_ONCE_MAX ? waiting.shift() : undefined;
    if (batch === undefined) return;
    running++;
    batch.start();
    batch.rows.finally(() => {
      running--;
      next();
    }).catch(() => undefined);
  };

  const open = (): Batch => {
    const last = waiting.at(-1);
    if (last !== undefined && last.ids.size < BATCH_MAX) return last;
    const ids = new Set<string>();
    const { promise, resolve } = Promise.withResolvers<void>();
    const batch = {
      ids,
      rows: promise.then(() => listDeploymentViewsByIds(db, [...ids], memory)),
      start: resolve,
    };
    waiting.push(batch);
    return batch;
  };

  return {
    async find(id, workspaceId): Promise<DeploymentView | undefined> {
      const batch = open();
      batch.ids.add(id);
      // Calls that arrive in the same turn share even the first batch.
      queueMicrotask(next);
      const found = (await batch.rows).get(id);
      return found?.workspaceId === workspaceId ? found : undefined;
    },
  };
}
