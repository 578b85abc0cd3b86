import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import {
  advanceLogCursor,
  findLogEnds,
  type InstanceLogsTable,
  listLastInstanceLogs,
  type LogCursor,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export type StreamedLog =
  | { readonly kind: "line"; readonly line: InstanceLogsTable }
  | { readonly kind: "heartbeat" };

export interface LogRequest {
  readonly deploymentId: string;
  /** Continue with new lines. */
  readonly follow: boolean;
  /** Number of last lines to begin with. */
  readonly tail: number;
}

const TAIL_MAX = 10_000;
const HEARTBEAT_MS = 5_000;

/**
 * The output of the deployment's instances, as far as it is kept, then new lines. Following never ends by itself.
 *
 * @throws `not_found`, `invalid_argument` before the first message
 */
export async function* streamLogs(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<StreamedLog> {
  const { db, clock, logs } = deps;
  const { id } = await requireDeployment(deps, caller, { id: request.deploymentId, action: "read_logs" });
  const { tail, follow } = request;
  if (tail < 0 || tail > TAIL_MAX) throw invalid("tail", `must be between 0 and ${TAIL_MAX}`, String(tail));

  // Read before the tail, so that no line falls in between the two.
  const ends: LogCursor = follow ? await findLogEnds(db.kysely, id) : new Map();
  const last = tail === 0 ? [] : await listLastInstanceLogs(db.kysely, id, tail);
  for (const line of last) yield { kind: "line", line };
  if (!follow) return;
  let sentAtMs = clock.now();
  await using follower = logs.follow(id, advanceLogCursor(ends, last));
  for (;;) {
    const lines = await follower.next(signal);
    for (const line of lines) yield { kind: "line", line };
    if (lines.length > 0) sentAtMs = clock.now();
    if (clock.now() - sentAtMs >= HEARTBEAT_MS) {
      sentAtMs = clock.now();
      yield { kind: "heartbeat" };
    }
  }
}
