import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { StoredEvent } from "../../internal/deployments/events.ts";
import { isFinal } from "../../internal/deployments/status.ts";
import { listEventHeads, listEventsAfter } from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export type WatchedEvent =
  | { readonly kind: "event"; readonly event: StoredEvent }
  | { readonly kind: "heartbeat" };

const BATCH = 200;
const HEARTBEAT_MS = 5_000;

/**
 * The events of a deployment after a sequence, then new ones as they are written, up to and including the event of
 * its final status. A watch that resumes behind it gets an empty stream.
 *
 * @throws `not_found`, `invalid_argument` before the first message
 */
export async function* watchEvents(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: { readonly deploymentId: string; readonly afterSequence: number },
  signal: AbortSignal,
): AsyncGenerator<WatchedEvent> {
  const { db, events } = deps;
  const { id } = await requireDeployment(deps, caller, {
    id: request.deploymentId,
    action: "read_deployment",
  });
  let cursor = request.afterSequence;
  if (!Number.isSafeInteger(cursor) || cursor < 0) {
    throw invalid("after_sequence", "must not be negative", String(cursor));
  }
  for (;;) {
    signal.throwIfAborted();
    const batch = await listEventsAfter(db.kysely, id, cursor, BATCH);
    for (const event of batch) {
      const { payload } = event;
      cursor = event.sequence;
      yield { kind: "event", event };
      if (payload.kind === "status" && isFinal(payload.status)) return;
    }
    if (batch.length === BATCH) continue;
    const [head] = await listEventHeads(db.kysely, [id]);
    if (head === undefined) return;
    if (head.sequence > cursor) continue;
    if (isFinal(head.status)) return;
    yield* heartbeatUntilChange();
  }

  async function* heartbeatUntilChange(): AsyncGenerator<WatchedEvent> {
    for (;;) {
      await events.wait(id, cursor, { limitMs: HEARTBEAT_MS, signal });
      signal.throwIfAborted();
      const [head] = await listEventHeads(db.kysely, [id]);
      if (head === undefined || head.sequence > cursor || isFinal(head.status)) return;
      yield { kind: "heartbeat" };
    }
  }
}
