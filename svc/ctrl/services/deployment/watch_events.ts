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

/** The events after one that the caller has; 0: all. */
export interface EventsRequest {
  readonly deploymentId: string;
  readonly afterSequence: number;
}

const BATCH = 200;
const HEARTBEAT_MS = 5_000;

/**
 * The events of a deployment after a sequence, then new ones as they are written, up to and including the event of
 * its final status, and the notices that are there behind it. A watch that resumes behind it gets an empty stream.
 *
 * @throws `not_found`, `invalid_argument` before the first message
 */
export async function* watchEvents(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: EventsRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchedEvent> {
  const { db, events } = deps;
  const { deploymentId: id, afterSequence } = await requireEvents(deps, caller, request);
  let cursor = afterSequence;
  let ended = false;
  for (;;) {
    signal.throwIfAborted();
    const batch = await listEventsAfter(db.kysely, id, cursor, BATCH);
    for (const event of batch) {
      const { payload } = event;
      cursor = event.sequence;
      if (!ended || payload.kind === "notice") yield { kind: "event", event };
      ended ||= payload.kind === "status" && isFinal(payload.status);
    }
    if (ended) return;
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

/** The request with a deployment that is there. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function requireEvents(
  deps: Pick<DeploymentDeps, "reader">,
  caller: RootKeyPrincipal,
  { deploymentId, afterSequence }: EventsRequest,
): Promise<EventsRequest> {
  const { id } = await requireDeployment(deps, caller, { id: deploymentId, action: "read_deployment" });
  if (Number.isSafeInteger(afterSequence) && afterSequence >= 0) return { deploymentId: id, afterSequence };
  throw invalid("after_sequence", "must not be negative", String(afterSequence));
}
