/** The order of a deploy, and its undoing when it cannot finish. */
import { Compensations, type DurableWorkflow } from "../../../../pkg/durable/mod.ts";
import type { Fault } from "../../../../pkg/fault/mod.ts";
import type { AssignOutcome } from "../routing/contract.ts";
import { CANCEL, untilRunning } from "../rollout/wait.ts";
import type { DeployOutcome } from "./contract.ts";
import type { Failure, RolloutLimits } from "../rollout/plan.ts";
import { type BuildSlots, inBuildSlot } from "./queue_stage.ts";
import {
  type Advanced,
  CANCELLED,
  type DeploySteps,
  type Ending,
  type Loaded,
  ON,
  type StageResult,
} from "./types.ts";

/** State: whether traffic has moved, from when on a cancel comes too late. */
export const SWITCHED = "switched";

/** A build that the workflow asks for. */
export interface BuildOrder {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly contextPath: string;
  readonly dockerfile: string;
}

/** The result of a build. */
export type BuildResult =
  | { readonly kind: "built"; readonly image: string; readonly buildId: string }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "cancelled" };

/** The calls go to other services, each through its contract. */
export interface DeployWorkflowDeps {
  readonly steps: DeploySteps;
  readonly limits: RolloutLimits;
  /** The longest wait for a change of the instances. */
  readonly recheckMs: number;
  readonly slots: BuildSlots;
  /** The longest wait of a build for its slot. */
  readonly queueMs: number;
  /** Builds, or stops building as soon as `cancel` is set. */
  readonly build: (durable: DurableWorkflow, order: BuildOrder, cancel: string) => Promise<BuildResult>;
  /** Asks the environment's routing service for traffic. */
  readonly assign: (durable: DurableWorkflow, environmentId: string, id: string) => Promise<AssignOutcome>;
  /** Asks for a look for its OpenAPI document, which nothing waits for. */
  readonly scrape: (durable: DurableWorkflow, id: string) => Promise<void>;
}

type Active = Extract<Loaded, { kind: "active" }>;

/**
 * Deploys `id`: build if need be, as soon as there is a slot, start everywhere, wait until it runs, move traffic.
 *
 * A user's mistake ends it at once, with a text; a final error of the platform ends it as `internal`. Until traffic has
 * moved, every end takes back what was made, in the transaction that ends the deployment.
 */
export async function deploy(
  durable: DurableWorkflow,
  deps: DeployWorkflowDeps,
  id: string,
): Promise<DeployOutcome> {
  const { steps } = deps;
  const compensations = new Compensations(durable);
  try {
    compensations.add("deployment", async (fault) => void await steps.finish(id, endingOf(fault)));
    const loaded = await durable.run("load deployment", () => steps.load(id));
    if (loaded.kind === "ended") return { status: loaded.status };
    let stage = await buildStage(durable, { ...deps, compensations }, id, loaded);
    if (stage.kind === "on") stage = await rolloutStage(durable, deps, id);
    if (stage.kind === "on") stage = await trafficStage(durable, deps, id, loaded.environmentId);

    if (stage.kind === "on") {
      if (loaded.openApi === true) await deps.scrape(durable, id);
      return { status: "ready" };
    }
    if (stage.kind === "ended") return { status: stage.status };
    const ending = stage;
    return { status: await durable.run("finish deployment", () => steps.finish(id, ending)) };
  } catch (error) {
    return await compensations.unwind(error);
  }
}

/** Makes sure that there is an image. */
async function buildStage(
  durable: DurableWorkflow,
  deps: DeployWorkflowDeps & { readonly compensations: Compensations },
  id: string,
  { source, workspaceId, projectId, cancelRequested }: Active,
): Promise<StageResult> {
  const { steps, build } = deps;
  if (cancelRequested || await durable.isSet(CANCEL)) return CANCELLED;
  if (source.kind === "built") return ON;
  if (source.kind === "named") {
    const pinned = await durable.run("pin image", (signal) => steps.pinImage(id, signal));
    return pinned.kind === "advanced" ? ON : pinned;
  }
  if (source.kind === "nothing") return { kind: "failed", failure: NOTHING_TO_RUN };

  const order = {
    deploymentId: id,
    workspaceId,
    projectId,
    contextPath: source.path,
    dockerfile: source.dockerfile,
  };
  // Before the queue: an image at hand waits for no build.
  const found = await durable.run("look for image", (signal) => steps.reuseImage(id, signal));
  if (found.kind !== "none") return found.kind === "reused" ? ON : found;
  return await inBuildSlot(durable, deps, { id, workspaceId }, async () => {
    // The build that had the slot before may have been of the same content.
    const late = await durable.run("look for image in slot", (signal) => steps.reuseImage(id, signal));
    if (late.kind !== "none") return late.kind === "reused" ? ON : late;
    const result = await build(durable, order, CANCEL);
    if (result.kind !== "built") return result;
    const { image, buildId } = result;
    return onward(await durable.run("record build", () => steps.recordBuild(id, { image, buildId })));
  });
}

/** Starts it in every region and waits until it runs there. */
async function rolloutStage(
  durable: DurableWorkflow,
  deps: DeployWorkflowDeps,
  id: string,
): Promise<StageResult> {
  const { steps, limits, recheckMs } = deps;
  if (await durable.isSet(CANCEL)) return CANCELLED;
  const placed = await durable.run("place topology", (signal) => steps.place(id, signal));
  if (placed.kind !== "advanced") return placed;

  const waited = await untilRunning(durable, { observe: () => steps.observe(id), limits, recheckMs });
  return waited.kind === "running" ? ON : waited;
}

/** Moves traffic. Whether a cancel came in time is decided where traffic moves. */
async function trafficStage(
  durable: DurableWorkflow,
  { steps, assign }: DeployWorkflowDeps,
  id: string,
  environmentId: string,
): Promise<StageResult> {
  if (await durable.isSet(CANCEL)) return CANCELLED;
  const begun = await durable.run("begin network", () => steps.beginNetwork(id));
  if (begun.kind === "ended") return begun;
  const outcome = await assign(durable, environmentId, id);
  switch (outcome.kind) {
    case "ready":
      durable.set(SWITCHED, true);
      return ON;
    case "host_taken":
      return { kind: "failed", failure: hostTaken(outcome.hostname) };
    case "cancelled":
    case "ended":
      return outcome;
  }
}

function onward(advanced: Advanced): StageResult {
  return advanced.kind === "ended" ? advanced : ON;
}

/** A fault that ends a workflow is the platform's trouble: what the user did wrong comes as a value. */
function endingOf(fault: Fault): Ending {
  if (fault.code === "cancelled") return CANCELLED;
  const message =
    "The deployment failed because of a problem inside the platform; your app is not the cause. " +
    "Deploy again. If it fails again, the operator finds the reason in the worker's log under this deployment's id.";
  return { kind: "failed", failure: { code: "internal", message } };
}

const NOTHING_TO_RUN: Failure = {
  code: "context_missing",
  message:
    "The deployment has neither an image nor a build context. Deploy a folder, or an image with --image.",
};

function hostTaken(hostname: string): Failure {
  return {
    code: "host_taken",
    message:
      `The host name ${hostname} belongs to another project. Names are made of project, environment or branch, ` +
      "and workspace: rename the project, the environment or the branch, then deploy again.",
  };
}
