/** The steps of a deployment: when each began and how it ended. Each change is an event too. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { StepName } from "../deployments/events.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendEvent } from "./deployment_events.ts";
import type { DeploymentStepsTable } from "./schema.ts";
import { keepStepSpan } from "./traces.ts";

/** Marks a step as running. Repeating it while it runs changes nothing. */
export async function startStep(
  tx: Tx,
  step: {
    readonly deploymentId: string;
    readonly name: StepName;
    readonly message: string;
    readonly nowMs: number;
  },
): Promise<void> {
  const known = await findStep(tx, step.deploymentId, step.name);
  if (known?.status === "running" && known.message === step.message) return;
  await upsert(tx, "deployment_steps", [{
    deployment_id: step.deploymentId,
    name: step.name,
    status: "running",
    message: step.message,
    error_message: "",
    started_at: known?.status === "running" ? known.started_at : step.nowMs,
    ended_at: null,
  }], {
    key: ["deployment_id", "name"],
    update: ["status", "message", "error_message", "started_at", "ended_at"],
  });
  await appendEvent(tx, step.deploymentId, "step", {
    name: step.name,
    status: "running",
    message: step.message,
  }, step.nowMs);
}

/** Changes what a running step says. Returns false when it does not run, or says so already. */
export async function retellStep(
  tx: Tx,
  step: {
    readonly deploymentId: string;
    readonly name: StepName;
    readonly message: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const { deploymentId, name, message, nowMs } = step;
  const { numUpdatedRows } = await tx.updateTable("deployment_steps").set({ message })
    .where("deployment_id", "=", deploymentId).where("name", "=", name).where("status", "=", "running")
    .where("message", "!=", message).executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await appendEvent(tx, deploymentId, "step", { name, status: "running", message }, nowMs);
  return true;
}

/** Ends a running step, with the public error if it failed. Returns false when it was not running. */
export async function endStep(
  tx: Tx,
  step: {
    readonly deploymentId: string;
    readonly name: StepName;
    readonly status: "done" | "failed";
    readonly errorMessage?: string;
    /** Shown at the end of a step that is done. */
    readonly message?: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable("deployment_steps")
    .set({ status: step.status, error_message: step.errorMessage ?? "", ended_at: step.nowMs })
    .where("deployment_id", "=", step.deploymentId).where("name", "=", step.name)
    .where("status", "=", "running").executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await keepStepSpan(tx, step.deploymentId, step.name);
  await appendEvent(tx, step.deploymentId, "step", {
    name: step.name,
    status: step.status,
    message: step.errorMessage ?? step.message ?? "",
  }, step.nowMs);
  return true;
}

/** All steps in the order they began, by primary key. */
export async function listSteps(db: Queryable, deploymentId: string): Promise<DeploymentStepsTable[]> {
  return await db.selectFrom("deployment_steps").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("started_at").orderBy("name").execute();
}

/** One step, by primary key. */
export async function findStep(
  db: Queryable,
  deploymentId: string,
  name: StepName,
): Promise<DeploymentStepsTable | undefined> {
  return await db.selectFrom("deployment_steps").selectAll()
    .where("deployment_id", "=", deploymentId).where("name", "=", name).executeTakeFirst();
}
