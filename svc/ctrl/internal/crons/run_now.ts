import { publicFault } from "../../../../pkg/fault/mod.ts";
import { decodeStrings } from "../json.ts";
import { reserve } from "../limits/mod.ts";
import { type RunOrder, type WantedRun, wantRun } from "../runs/mod.ts";
import {
  findDeployment,
  findRunByKey,
  listCronsOfEnvironment,
  lockCron,
  lockEnvironment,
  type Tx,
  updateCron,
} from "../store/mod.ts";
import { announceEnds, endOpenRuns, stillRunning } from "./overlap.ts";

/** A cron that a user runs now. */
export interface CronOrder extends Pick<RunOrder, "region" | "idempotencyKey" | "createdBy" | "nowMs"> {
  readonly workspaceId: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly name: string;
}

/**
 * Runs a cron's command once, beside its schedule, also while it is paused.
 *
 * @throws `not_found` with the names that there are; `failed_precondition` while its former run has not ended and the cron
 * skips; and as `wantRun`
 */
export async function runCron(tx: Tx, order: CronOrder): Promise<WantedRun> {
  const { workspaceId, environmentId, idempotencyKey, nowMs } = order;
  await reserve(tx, [], { workspaceId, nowMs });
  const former = idempotencyKey === undefined
    ? undefined
    : await findRunByKey(tx, workspaceId, idempotencyKey);
  if (former !== undefined) return { run: former, isNew: false, regions: [] };
  const environment = await lockEnvironment(tx, environmentId);
  const cron = await lockCron(tx, environmentId, order.name);
  if (environment === undefined || cron === undefined || cron.removed_at !== null) {
    throw await missingCron(tx, order);
  }
  const deployment = await findDeployment(tx, cron.deployment_id);
  if (deployment === undefined) throw await missingCron(tx, order);
  const open = await stillRunning(tx, cron);
  if (open !== undefined && cron.overlap === "skip") {
    throw publicFault(
      "failed_precondition",
      `Run ${open.run_id} of cron "${cron.name}" has not ended, and the cron's overlap is "skip": wait for its end, ` +
        `or end it with "unkey cancel ${open.run_id}".`,
    );
  }
  const ended = cron.overlap === "replace" ? await endOpenRuns(tx, cron, nowMs) : [];
  const wanted = await wantRun(tx, {
    deployment,
    environmentSlug: order.environmentSlug,
    command: decodeStrings(cron.command),
    timeoutSeconds: cron.timeout_seconds,
    region: order.region,
    idempotencyKey,
    cron: { id: cron.id, name: cron.name, plannedAt: undefined },
    createdBy: order.createdBy,
    nowMs,
  });
  const others = await announceEnds(tx, ended, nowMs);
  await updateCron(tx, cron, { last_run_id: wanted.run.run_id, updated_at: nowMs });
  return { ...wanted, regions: [...wanted.regions, ...others] };
}

const SHOWN_MAX = 20;

/** The fault for a name that no cron of the environment has. */
export async function missingCron(
  tx: Tx,
  { environmentId, environmentSlug, name }: Pick<CronOrder, "environmentId" | "environmentSlug" | "name">,
): Promise<Error> {
  const names = (await listCronsOfEnvironment(tx, environmentId)).filter((each) => each.removed_at === null)
    .map((each) => each.name).slice(0, SHOWN_MAX);
  const hint = names.length === 0
    ? 'It has none: "crons" in unkey.json brings some'
    : `It has: ${names.join(", ")}`;
  return publicFault("not_found", `Environment "${environmentSlug}" has no cron "${name}". ${hint}.`);
}
