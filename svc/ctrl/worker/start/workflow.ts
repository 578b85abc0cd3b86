/** The order of a start, and its undoing when it does not finish. */
import { Compensations, type DurableWorkflow } from "../../../../pkg/durable/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { StartOrder, StartOutcome, SwitchOutcome } from "../../internal/workflows/messages.ts";
import type { RolloutLimits } from "../rollout/plan.ts";
import { CANCEL, untilRunning } from "../rollout/wait.ts";
import type { StartSteps, Undoing } from "./types.ts";

export interface StartWorkflowDeps {
  readonly steps: StartSteps;
  readonly limits: RolloutLimits;
  /** The longest wait for a change of the instances. */
  readonly recheckMs: number;
  /** Asks the environment's routing service for the switch. @throws the gate's refusal */
  readonly switchTraffic: (durable: DurableWorkflow, order: StartOrder) => Promise<SwitchOutcome>;
}

/**
 * Starts a deployment wherever it ran before, waits until it runs, and then moves traffic to it if that was asked for.
 *
 * The gates are asked again at the switch. A start that does not finish leaves everything as it was: a stopped
 * deployment is stopped, and traffic is where it was.
 */
export async function start(
  durable: DurableWorkflow,
  deps: StartWorkflowDeps,
  order: StartOrder,
): Promise<StartOutcome> {
  const { steps, limits, recheckMs } = deps;
  const startId = durable.key;
  const compensations = new Compensations(durable);
  try {
    compensations.add("start", (fault) => steps.undo(startId, order, endingOf(fault)));
    if (await durable.isSet(CANCEL)) return { kind: "cancelled" };
    const begun = await durable.run("begin start", () => steps.begin(startId, order));
    if (begun.kind !== "begun") return begun;

    const giveUp = async (why: Undoing, outcome: StartOutcome): Promise<StartOutcome> => {
      await durable.run("undo start", () => steps.undo(startId, order, why));
      return outcome;
    };
    const observe = () => steps.observe(order.deploymentId);
    const waited = await untilRunning(durable, { observe, limits, recheckMs });
    if (waited.kind === "cancelled" || await durable.isSet(CANCEL)) {
      return await giveUp({ kind: "cancelled" }, { kind: "cancelled" });
    }
    if (waited.kind === "failed") {
      const { code, message } = waited.failure;
      return await giveUp({ kind: "failed", failure: waited.failure }, { kind: "failed", code, message });
    }
    if (waited.kind === "ended") return await giveUp({ kind: "cancelled" }, waited);

    const finished = await durable.run("finish start", () => steps.finish(startId, order));
    if (finished.kind === "cancelled") return await giveUp({ kind: "cancelled" }, { kind: "cancelled" });
    if (order.then.kind === "nothing") return { kind: "started", hostnames: finished.hostnames };
    const done = await switched(durable, deps, order);
    if (done.kind === "refused") return await giveUp({ kind: "cancelled" }, done);
    await durable.run("release start", () => steps.release(startId, order.deploymentId));
    return done;
  } catch (error) {
    return await compensations.unwind(error);
  }
}

/** A refusal is an answer: the environment changed while the deployment started. */
async function switched(
  durable: DurableWorkflow,
  { switchTraffic }: StartWorkflowDeps,
  order: StartOrder,
): Promise<Extract<StartOutcome, { kind: "switched" | "refused" }>> {
  try {
    return { kind: "switched", switched: await switchTraffic(durable, order) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code !== "failed_precondition" && error.code !== "invalid_argument") throw error;
    return { kind: "refused", refusal: { code: error.code, message: error.publicMessage ?? error.message } };
  }
}

/** A fault that ends a workflow is the platform's trouble. */
function endingOf(fault: Fault): Undoing {
  if (fault.code === "cancelled") return { kind: "cancelled" };
  const message =
    "The start failed because of a problem inside the platform; your app is not the cause. Start it again. " +
    "If it fails again, the operator finds the reason in the worker's log under this deployment's id.";
  return { kind: "failed", failure: { code: "internal", message } };
}
