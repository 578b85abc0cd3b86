import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import {
  decodeSizeSettings,
  encodeSizeSettings,
  mergeSizes,
  resolveSize,
  type Size,
  type SizeLimits,
} from "../../internal/deployments/size.ts";
import {
  type CtrlDatabase,
  lockEnvironment,
  recordAudit,
  setEnvironmentSize,
} from "../../internal/store/mod.ts";
import { sizeSettings, type WireSize } from "../../internal/validate/size.ts";

export interface SetSizeDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly sizes: SizeLimits;
}

export interface SetSizeRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly size: WireSize | undefined;
  /** Forgets what was set before. */
  readonly reset: boolean;
}

/**
 * Sets the size of the environment's later deployments, and returns that of the next one.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a value that the operator does not allow
 */
export async function setSize(
  { db, clock, sizes }: SetSizeDeps,
  caller: RootKeyPrincipal,
  request: SetSizeRequest,
): Promise<Size> {
  const project = await requireProject({ db }, caller, {
    id: request.projectId,
    action: "scale_environment",
  });
  const environment = await requireEnvironment({ db }, project, request.environmentSlug);
  const given = sizeSettings("size", request.size, sizes);
  const nowMs = clock.now();
  return await transact(db, async (tx) => {
    const row = await lockEnvironment(tx, environment.id);
    if (row === undefined) throw publicFault("not_found", `Environment "${environment.slug}" was deleted.`);
    const settings = mergeSizes(request.reset ? {} : decodeSizeSettings(row.size), given);
    const size = encodeSizeSettings(settings);
    await setEnvironmentSize(tx, { id: row.id, size, nowMs });
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "environment.scale",
      resource: { type: "environment", id: row.id },
      projectId: project.id,
      environmentId: row.id,
      facts: { size: size ?? "reset" },
      nowMs,
    });
    return resolveSize(sizes, settings);
  });
}
