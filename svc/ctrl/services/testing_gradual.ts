/** Gradual switches as the worker keeps them, for tests of the api. */
import { transact } from "../../../pkg/db/mod.ts";
import { type GradualSwitchesTable, insertGradualSwitch } from "../internal/store/mod.ts";
import { ROWS } from "../internal/store/testing_rows.ts";
import type { GradualOrder } from "../internal/workflows/mod.ts";
import type { TestApi } from "./testing.ts";

/** The row that the worker writes when a gradual switch begins. */
export async function writeGradual(
  api: TestApi,
  owner: { readonly workspaceId: string; readonly projectId: string },
  { id, order, changes = {} }: {
    readonly id: string;
    readonly order: GradualOrder;
    readonly changes?: Partial<GradualSwitchesTable>;
  },
): Promise<void> {
  const row = {
    ...ROWS.gradual_switches,
    id,
    workspace_id: owner.workspaceId,
    project_id: owner.projectId,
    environment_id: order.environmentId,
    deployment_id: order.targetDeploymentId,
    running_in: order.environmentId,
    steps: JSON.stringify(order.steps),
    every_ms: order.everyMs ?? null,
    is_sticky: order.sticky ? 1 as const : 0 as const,
    step: 0,
    evidence: null,
    reason: null,
    actor: JSON.stringify(order.actor),
    ended_at: null,
  };
  await transact(api.db, (tx) => insertGradualSwitch(tx, { ...row, ...changes }));
}
