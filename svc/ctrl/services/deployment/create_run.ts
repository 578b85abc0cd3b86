import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { type RunOrder, wantRun } from "../../internal/runs/mod.ts";
import {
  findDeployment,
  findEnvironmentPointer,
  recordAudit,
  type StoredRun,
} from "../../internal/store/mod.ts";
import { command, invalid, optionalKey, optionalText } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/** A run as a caller asks for it. */
export interface RunRequest {
  /** Empty: the live one of the environment. */
  readonly deploymentId: string;
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly command: readonly string[];
  /** 0: the default. */
  readonly timeoutSeconds: number;
  /** Empty: any. */
  readonly region: string;
  /** Empty: each call makes a run. */
  readonly idempotencyKey: string;
}

const TIMEOUT_SECONDS = 3_600;
const TIMEOUT_SECONDS_MAX = 86_400;
const KEY_CHARACTERS_MAX = 200;

/**
 * Wants a command to run once in a ready deployment. Its agent starts it, and reports how it goes.
 *
 * @throws `not_found`, `permission_denied`, `invalid_argument`, `failed_precondition`, `rate_limited`
 */
export async function createRun(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RunRequest,
): Promise<StoredRun> {
  const { db, clock, notifier } = deps;
  const checked = check(request);
  const target = await findTarget(deps, caller, request);
  const { run, regions } = await transact(db, async (tx) => {
    const deployment = await findDeployment(tx, target.id);
    if (deployment === undefined) throw publicFault("not_found", `Deployment ${target.id} was removed.`);
    const nowMs = clock.now();
    const order = { ...checked, deployment, environmentSlug: target.environmentSlug, nowMs };
    const wanted = await wantRun(tx, { ...order, createdBy: caller.keyName });
    if (wanted.isNew) {
      await recordAudit(tx, {
        workspaceId: caller.workspaceId,
        actor: actorOf(caller),
        action: "run.create",
        resource: { type: "run", id: wanted.run.run_id },
        projectId: deployment.project_id,
        environmentId: deployment.environment_id,
        facts: { deploymentId: deployment.id, command: checked.command },
        nowMs,
      });
    }
    return wanted;
  });
  notifier.changed(regions);
  return run;
}

function check(
  request: RunRequest,
): Pick<RunOrder, "command" | "timeoutSeconds" | "region" | "idempotencyKey"> {
  const words = command("command", request.command);
  if (words.length === 0 || words[0] === "") throw invalid("command", "must not be empty");
  const { timeoutSeconds } = request;
  if (timeoutSeconds < 0 || timeoutSeconds > TIMEOUT_SECONDS_MAX) {
    throw invalid("timeout_seconds", `must be between 1 and ${TIMEOUT_SECONDS_MAX}`, String(timeoutSeconds));
  }
  return {
    command: words,
    timeoutSeconds: timeoutSeconds === 0 ? TIMEOUT_SECONDS : timeoutSeconds,
    region: optionalText("region", request.region, 64) || undefined,
    idempotencyKey: optionalKey("idempotency_key", request.idempotencyKey, KEY_CHARACTERS_MAX) || undefined,
  };
}

async function findTarget(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RunRequest,
): Promise<{ readonly id: string; readonly environmentSlug: string }> {
  const action = "run_command";
  if (request.deploymentId !== "") {
    return await requireDeployment(deps, caller, { id: request.deploymentId, action });
  }
  const project = await requireProject(deps, caller, { id: request.projectId, action });
  const environment = await requireEnvironment(deps, project, request.environmentSlug);
  const { liveDeploymentId: id } = await findEnvironmentPointer(deps.db.kysely, environment.id);
  if (id !== undefined) return { id, environmentSlug: environment.slug };
  throw publicFault(
    "failed_precondition",
    `Environment "${environment.slug}" of project "${project.slug}" has no live deployment: "unkey deploy" makes one.`,
  );
}
