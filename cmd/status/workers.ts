/** Workers, which run builds and deploys. */
import type { WorkerStatus } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { age } from "../shared/output.ts";

/** A worker in the JSON of `status`. Times are milliseconds since the epoch. */
export interface WorkerJson {
  readonly id: string;
  readonly alive: boolean;
  readonly startedAt: number;
  readonly lastSeenAt: number;
}

export function workerJson({ id, alive, startedAt, lastSeenAt }: WorkerStatus): WorkerJson {
  return { id, alive, startedAt: Number(startedAt), lastSeenAt: Number(lastSeenAt) };
}

/** A line when no worker is alive, else one for each that was lost. An older control plane names none. */
export function workersText(workers: readonly WorkerJson[], nowMs: number): string {
  const [newest] = workers;
  if (newest === undefined) return "";
  if (workers.every(({ alive }) => !alive)) {
    return `\nno worker is alive: builds and deploys wait. The last heartbeat came ${
      age(newest.lastSeenAt, nowMs)
    } ago. Start "unkey ctrl worker".\n`;
  }
  const lost = workers.filter(({ alive }) => !alive).map(({ id, lastSeenAt }) =>
    `worker ${id} was lost: no heartbeat for ${
      age(lastSeenAt, nowMs)
    }. Another worker goes on with its deploys.\n`
  );
  return lost.length === 0 ? "" : `\n${lost.join("")}`;
}
