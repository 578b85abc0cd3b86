/** The end of an unused preview, decided in one transaction: a request that is reported meanwhile is seen. */
import { databaseNow } from "../../../../pkg/db/mod.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { idleEndSeconds } from "../../internal/deployments/idle_end.ts";
import { noRequests } from "../../internal/deployments/stop_note.ts";
import {
  findStart,
  isLiveIn,
  lockDeployment,
  lockEnvironment,
  lockLastRequest,
  placeOf,
  type Tx,
} from "../../internal/store/mod.ts";
import type { EndUnusedRequest } from "./contract.ts";
import { auditStop, takeDown } from "./stop_step.ts";
import type { StopResult } from "./types.ts";

/** Stops the deployment unless it got a request, was started, or belongs to an environment that goes on. */
export async function endUnusedInTransaction(
  tx: Tx,
  { environmentId, request, nowMs }: {
    readonly environmentId: string;
    readonly request: EndUnusedRequest;
    readonly nowMs: number;
  },
): Promise<StopResult> {
  const environment = await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, request.deploymentId);
  if (deployment?.status === "stopped") return { outcome: { kind: "stopped" }, regions: [] };
  if (environment === undefined || deployment?.status !== "ready") return unchanged("not_ready");
  if (await isLiveIn(tx, PRODUCTION_SLUG, placeOf(deployment))) return unchanged("serving");
  if (await findStart(tx, deployment.id) !== undefined) return unchanged("serving");
  const seconds = idleEndSeconds(environment, request.operatorSeconds);
  const lastUsedMs = Math.max(await lockLastRequest(tx, deployment.id) ?? 0, deployment.updated_at);
  const endsAtMs = lastUsedMs + seconds * 1_000 + request.marginMs;
  if (seconds === 0 || await databaseNow(tx) <= endsAtMs) return unchanged("used");
  await auditStop(tx, deployment, { kind: "system", name: "preview end" }, nowMs);
  return {
    outcome: { kind: "stopped" },
    regions: await takeDown(tx, deployment.id, noRequests(seconds, nowMs)),
  };
}

function unchanged(kind: "not_ready" | "serving" | "used"): StopResult {
  return { outcome: { kind }, regions: [] };
}
