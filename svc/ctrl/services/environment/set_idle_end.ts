import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { IDLE_END_SECONDS_MAX, idleEndSeconds } from "../../internal/deployments/idle_end.ts";
import { type CtrlDatabase, lockEnvironment, recordAudit, setIdleEnd } from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";

export interface SetIdleEndDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  /** The operator's value for environments without one of their own; 0: never. */
  readonly operatorIdleSeconds: number;
}

export interface SetIdleEndRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  /** 0: never; `undefined`: the operator's value. */
  readonly seconds: number | undefined;
}

/**
 * Sets after how long without a request the environment's deployments are stopped, and returns what holds now.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a time that is too long, or for production
 */
export async function setEnvironmentIdleEnd(
  { db, clock, operatorIdleSeconds }: SetIdleEndDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug, seconds }: SetIdleEndRequest,
): Promise<number> {
  const project = await requireProject({ db }, caller, { id: projectId, action: "scale_environment" });
  const environment = await requireEnvironment({ db }, project, environmentSlug);
  if (seconds !== undefined && (seconds < 0 || seconds > IDLE_END_SECONDS_MAX)) {
    throw invalid("seconds", `must be between 0 and ${IDLE_END_SECONDS_MAX}`, String(seconds));
  }
  if (environment.slug === PRODUCTION_SLUG && seconds !== undefined && seconds > 0) {
    throw invalid("environment_slug", "must not be production: what it serves goes on without requests");
  }
  const nowMs = clock.now();
  return await transact(db, async (tx) => {
    const row = await lockEnvironment(tx, environment.id);
    if (row === undefined) throw publicFault("not_found", `Environment "${environment.slug}" was deleted.`);
    await setIdleEnd(tx, { id: row.id, seconds: seconds ?? null, nowMs });
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "environment.set_idle_end",
      resource: { type: "environment", id: row.id },
      projectId: project.id,
      environmentId: row.id,
      facts: { seconds: seconds === undefined ? "reset" : String(seconds) },
      nowMs,
    });
    return idleEndSeconds({ slug: row.slug, idle_end_seconds: seconds ?? null }, operatorIdleSeconds);
  });
}
