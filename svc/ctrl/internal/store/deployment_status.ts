/** Status, image and cancel marks of deployments. Every change is conditional, and returns whether it happened. */
import {
  ACTIVE_STATUSES,
  type DeploymentStatus,
  type FailureCode,
  type FailureDetails,
  isFinal,
} from "../deployments/status.ts";
import type { PayloadOf } from "../deployments/events.ts";
import type { StopNote } from "../deployments/stop_note.ts";
import { deleteBuildSecrets } from "./build_inputs.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendEvent } from "./deployment_events.ts";
import type { DeploymentsTable } from "./schema.ts";
import { endTrace } from "./traces.ts";

/** A change of status. */
export interface StatusMove {
  readonly id: string;
  /** The statuses that it may move away from. */
  readonly from: readonly DeploymentStatus[];
  readonly to: DeploymentStatus;
  readonly nowMs: number;
  /** Why, when `to` means trouble: the code for programs and the public text for people. */
  readonly failure?: {
    readonly code?: FailureCode;
    readonly message: string;
    readonly details?: FailureDetails;
  };
  /** Why it stops, when `to` is stopped. */
  readonly stop?: StopNote;
  /** URLs of the deployment, for the event of becoming ready. */
  readonly urls?: readonly string[];
}

const BEFORE_END_OF_BUILD: readonly DeploymentStatus[] = ["pending", "queued", "building"];

/**
 * Moves the deployment on and appends the event, or returns false when its status is none of `from`. Secrets of its build
 * are removed with the first status behind the build.
 */
export async function moveStatus(tx: Tx, move: StatusMove): Promise<boolean> {
  const { id, from, to, nowMs, failure, stop, urls } = move;
  const { numUpdatedRows } = await tx.updateTable("deployments")
    .set((eb) => ({
      status: to,
      updated_at: nowMs,
      failure_code: failure?.code ?? null,
      error_message: failure?.message ?? null,
      failure_details: failure?.details === undefined ? null : JSON.stringify(failure.details),
      stop_note: stop === undefined ? null : JSON.stringify(stop),
      stop_due_at: null,
      // A ready deployment that is stopped later keeps the time at which its workflow ended.
      ...(isFinal(to)
        ? { ended_at: eb.fn.coalesce("ended_at", eb.val(nowMs)) }
        // It prints again.
        : { output_removed_at: null }),
    }))
    .where("id", "=", id).where("status", "in", [...from]).executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  if (!BEFORE_END_OF_BUILD.includes(to) && from.some((each) => BEFORE_END_OF_BUILD.includes(each))) {
    await deleteBuildSecrets(tx, id);
  }
  if (isFinal(to)) await endTrace(tx, { id, outcome: to, nowMs });
  const payload: PayloadOf<"status"> = {
    status: to,
    ...(failure === undefined ? {} : { errorMessage: failure.message }),
    ...(failure?.code === undefined ? {} : { failureCode: failure.code }),
    ...(urls === undefined ? {} : { urls }),
  };
  await appendEvent(tx, id, "status", payload, nowMs);
  return true;
}

/** Stores the image of the deployment; the build's id and time only if there was a build. */
export async function setImage(
  db: Queryable,
  options: {
    readonly id: string;
    readonly image: string;
    readonly buildId?: string;
    readonly nowMs: number;
  },
): Promise<void> {
  await db.updateTable("deployments")
    .set({
      image: options.image,
      updated_at: options.nowMs,
      ...(options.buildId === undefined ? {} : { build_id: options.buildId, image_built_at: options.nowMs }),
    })
    .where("id", "=", options.id).execute();
}

/** Remembers that the workflow was handed over; the first time stays. */
export async function markSubmitted(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.updateTable("deployments").set({ submitted_at: nowMs })
    .where("id", "=", id).where("submitted_at", "is", null).execute();
}

/** Deployments that were created before `beforeMs` and never handed over, oldest first. Index on `submitted_at`. */
export async function listUnsubmitted(
  db: Queryable,
  options: { readonly beforeMs: number; readonly limit: number },
): Promise<DeploymentsTable[]> {
  return await db.selectFrom("deployments").selectAll()
    .where("submitted_at", "is", null).where("created_at", "<", options.beforeMs)
    .where("status", "in", [...ACTIVE_STATUSES])
    .orderBy("created_at").limit(options.limit).execute();
}

/** Remembers that the user wants it stopped. False when it is final, or was asked for before. */
export async function requestCancel(
  db: Queryable,
  options: { readonly id: string; readonly nowMs: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable("deployments")
    .set({ cancel_requested_at: options.nowMs, updated_at: options.nowMs })
    .where("id", "=", options.id).where("cancel_requested_at", "is", null)
    .where("status", "in", [...ACTIVE_STATUSES]).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Notes when deployments are to be stopped, and forgets it of `keep`, which serves. */
export async function noteStops(
  tx: Tx,
  { keep, stops }: {
    readonly keep: string;
    readonly stops: readonly { readonly deploymentId: string; readonly dueAtMs: number }[];
  },
): Promise<void> {
  await tx.updateTable("deployments").set({ stop_due_at: null })
    .where("id", "=", keep).where("stop_due_at", "is not", null).execute();
  for (const { deploymentId, dueAtMs } of stops) {
    await tx.updateTable("deployments").set({ stop_due_at: dueAtMs })
      .where("id", "=", deploymentId).where("status", "=", "ready").execute();
  }
}

/** Marks a ready deployment whose traffic a cancel has moved back. */
export async function markCancelled(
  db: Queryable,
  options: { readonly id: string; readonly nowMs: number },
): Promise<void> {
  await db.updateTable("deployments")
    .set({ cancel_requested_at: options.nowMs, updated_at: options.nowMs })
    .where("id", "=", options.id).execute();
}

/** Forgets an earlier cancel, because the deployment is wanted again. */
export async function clearCancel(db: Queryable, id: string): Promise<void> {
  await db.updateTable("deployments").set({ cancel_requested_at: null })
    .where("id", "=", id).where("cancel_requested_at", "is not", null).execute();
}
