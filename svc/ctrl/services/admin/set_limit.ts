import { transact } from "../../../../pkg/db/mod.ts";
import { isLimitName, LIMIT_NAMES } from "../../internal/limits/mod.ts";
import { recordAudit, removeWorkspaceLimit, setWorkspaceLimit } from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { workspaceFor } from "./workspaces.ts";
import type { AdminDeps } from "./deps.ts";

export interface LimitOrder {
  /** Id or slug. */
  readonly workspaceId: string;
  readonly name: string;
  /** `undefined`: the default again. */
  readonly value: number | undefined;
}

/**
 * Sets a limit of a workspace. Things above a lower limit stay; nothing is added to them.
 *
 * @throws `invalid_argument` for an unknown limit or a value that is no count, `not_found` for the workspace
 */
export async function setLimit(
  deps: Pick<AdminDeps, "db" | "clock">,
  { name, value, ...order }: LimitOrder,
): Promise<void> {
  if (!isLimitName(name)) throw invalid("name", `must be one of ${LIMIT_NAMES.join(", ")}`, name);
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
    throw invalid("value", "must be a whole number of at least 0", String(value));
  }
  const workspaceId = await workspaceFor(deps, { kind: "service" }, order.workspaceId);
  const nowMs = deps.clock.now();
  await transact(deps.db, async (tx) => {
    if (value === undefined) await removeWorkspaceLimit(tx, workspaceId, name);
    else await setWorkspaceLimit(tx, { workspaceId, name, value, nowMs });
    await recordAudit(tx, {
      workspaceId,
      actor: { kind: "service" },
      action: "workspace.set_limit",
      resource: { type: "workspace", id: workspaceId },
      facts: { limit: name, value: value ?? "default" },
      nowMs,
    });
  });
}
