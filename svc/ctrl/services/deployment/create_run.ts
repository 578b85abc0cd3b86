import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { runCron } from "../../internal/crons/mod.ts";
import { decodeStrings } from "../../internal/json.ts";
import { type RunOrder, type WantedRun, wantRun } from "../../internal/runs/mod.ts";
import {
  findDeployment,
  findEnvironmentPointer,
  recordAudit,
  type StoredRun,
  type Tx,
} from "../../internal/store/mod.ts";
import { command, invalid, optionalKey, optionalText, slug } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/** A run as a caller asks for it. */
export interface RunRequest {
  /** Empty: the live one of the environment. */
  readonly deploymentId: string;
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly command: readonly string[];
  /** The name of a cron of the environment, which is run in place of a command. Empty: none. */
  readonly cron: string;
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
  const want = request.cron === ""
    ? await commandOrder(deps, caller, request)
    : await cronOrder(deps, caller, request);
  const { run, regions } = await transact(db, async (tx) => {
    const nowMs = clock.now();
    const wanted = await want(tx, { createdBy: caller.keyName, nowMs });
    if (wanted.isNew) {
      const { run } = wanted;
      await recordAudit(tx, {
        workspaceId: caller.workspaceId,
        actor: actorOf(caller),
        action: "run.create",
        resource: { type: "run", id: run.run_id },
        projectId: run.project_id,
        environmentId: run.environment_id,
        facts: {
          deploymentId: run.deployment_id,
          command: decodeStrings(run.command),
          ...(run.cron_name === null ? {} : { cron: run.cron_name }),
        },
        nowMs,
      });
    }
    return wanted;
  });
  notifier.changed(regions);
  return run;
}

type Want = (tx: Tx, by: Pick<RunOrder, "createdBy" | "nowMs">) => Promise<WantedRun>;

async function commandOrder(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RunRequest,
): Promise<Want> {
  const checked = check(request);
  const { id, environmentSlug } = await findTarget(deps, caller, request);
  return async (tx, by) => {
    const deployment = await findDeployment(tx, id);
    if (deployment === undefined) throw publicFault("not_found", `Deployment ${id} was removed.`);
    return await wantRun(tx, { ...checked, ...by, deployment, environmentSlug });
  };
}

async function cronOrder(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RunRequest,
): Promise<Want> {
  const { deploymentId, command: words, timeoutSeconds, cron } = request;
  if (deploymentId !== "" || words.length > 0 || timeoutSeconds !== 0) {
    throw invalid("cron", "has a deployment, a command and a time limit of its own: leave them out", cron);
  }
  const name = slug("cron", cron);
  const { region, idempotencyKey } = checkPlace(request);
  const project = await requireProject(deps, caller, { id: request.projectId, action: "run_command" });
  const environment = await requireEnvironment(deps, project, request.environmentSlug);
  const { id: environmentId, slug: environmentSlug } = environment;
  const order = { workspaceId: caller.workspaceId, environmentId, environmentSlug, name };
  return (tx, by) => runCron(tx, { ...order, ...by, region, idempotencyKey });
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
    ...checkPlace(request),
  };
}

function checkPlace({ region, idempotencyKey }: RunRequest): Pick<RunOrder, "region" | "idempotencyKey"> {
  return {
    region: optionalText("region", region, 64) || undefined,
    idempotencyKey: optionalKey("idempotency_key", idempotencyKey, KEY_CHARACTERS_MAX) || undefined,
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
