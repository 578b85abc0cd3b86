/**
 * The deploy workflow on Restate.
 *
 * ```ts
 * const services = [deployService({ restate, steps, limits, recheckMs: 5_000, queueMs: 4 * 3_600_000 })];
 * ```
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { implement } from "@restatedev/restate-sdk/fetch";
import {
  type DurableWorkflow,
  type RestateDeps,
  runShared,
  runWorkflow,
  target,
} from "../../../../pkg/durable/mod.ts";
import {
  BuildDockerImageRequestSchema,
  type BuildDockerImageResponse,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import type { FailureCode } from "../../internal/deployments/status.ts";
import { BuildService } from "../image_build/contract.ts";
import { OpenApiWorkflow } from "../openapi/contract.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { announceChange, CANCEL } from "../rollout/wait.ts";
import { routingKey, RoutingService } from "../routing/contract.ts";
import { BuildSlotService, buildSlotsKey } from "../slots/contract.ts";
import { DeploymentService, type DeployOutcome } from "./contract.ts";
import type { RolloutLimits } from "../rollout/plan.ts";
import { type BuildSlots, slotSignal } from "./queue_stage.ts";
import type { DeploySteps } from "./types.ts";
import { type BuildOrder, type BuildResult, deploy, type DeployWorkflowDeps, SWITCHED } from "./workflow.ts";

export interface DeployServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: DeploySteps;
  readonly limits: RolloutLimits;
  readonly recheckMs: number;
  readonly queueMs: number;
  /** Called when a run has ended. */
  readonly ended: (outcome: DeployOutcome) => void;
}

/** Binds the deploy workflow and the handlers that wake and cancel it. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function deployService({ restate, ended, ...deps }: DeployServiceDeps) {
  const workflow: DeployWorkflowDeps = {
    ...deps,
    build: callBuild,
    assign: callAssign,
    scrape: sendScrape,
    slots: SLOTS,
  };
  return implement(DeploymentService, {
    handlers: {
      // The key is the truth; the request carries the id for those who read the journal.
      run: (ctx) =>
        runWorkflow(ctx, restate, async (durable) => {
          const outcome = await deploy(durable, workflow, durable.key);
          ended(outcome);
          return outcome;
        }),
      instancesChanged: (ctx) => runShared(ctx, restate, announceChange),
      slotOffered: (ctx, { ticket }) =>
        runShared(ctx, restate, (shared) => shared.signal(slotSignal(ticket))),
      cancel: (ctx) =>
        runShared(ctx, restate, async (shared) => {
          if (await shared.get<boolean>(SWITCHED) === true) return { accepted: false };
          await shared.signal(CANCEL);
          return { accepted: true };
        }),
    },
    // Pause: what the workflow made has to be taken back, which only it can do once an operator resumes it.
    options: {
      handlers: { slotOffered: { ingressPrivate: true } },
      retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "pause" },
    },
  });
}

async function sendScrape(durable: DurableWorkflow, deploymentId: string): Promise<void> {
  await durable.send(target(OpenApiWorkflow, "ScrapeSpec"), { deploymentId });
}

const SLOTS: BuildSlots = {
  acquire: (durable, workspaceId, request) =>
    durable.call(target(BuildSlotService, "acquire", buildSlotsKey(workspaceId)), request),
  release: (durable, workspaceId, deploymentId) =>
    durable.send(target(BuildSlotService, "release", buildSlotsKey(workspaceId)), { deploymentId }),
};

async function callBuild(durable: DurableWorkflow, order: BuildOrder, cancel: string): Promise<BuildResult> {
  const request = create(BuildDockerImageRequestSchema, {
    buildContextPath: order.contextPath,
    dockerfilePath: order.dockerfile,
    projectId: order.projectId,
    deploymentId: order.deploymentId,
    workspaceId: order.workspaceId,
  });
  const raced = await durable.callUnless(target(BuildService, "BuildDockerImage"), request, [cancel]);
  return raced.kind === "signalled" ? { kind: "cancelled" } : buildResult(raced.value);
}

function buildResult({ failure, imageName, depotBuildId }: BuildDockerImageResponse): BuildResult {
  if (failure === undefined) return { kind: "built", image: imageName, buildId: depotBuildId };
  const { message, exitCode, origin, lastLines: lines } = failure;
  const exit = exitCode === undefined ? {} : { exitCode };
  const details = exitCode === undefined && lines.length === 0
    ? {}
    : { details: { ...exit, source: "build", origin, lines } as const };
  return { kind: "failed", failure: { code: failureCode(failure.code), message, ...details } };
}

const BUILD_CODES: readonly FailureCode[] = [
  "build_failed",
  "build_timeout",
  "dockerfile_missing",
  "context_missing",
  "context_invalid",
  "push_denied",
  "push_failed",
  "builder_full",
  "registry_full",
  "registry_unavailable",
];

function failureCode(text: string): FailureCode {
  return BUILD_CODES.find((code) => code === text) ?? "build_failed";
}

function callAssign(
  durable: DurableWorkflow,
  environmentId: string,
  deploymentId: string,
): ReturnType<DeployWorkflowDeps["assign"]> {
  return durable.call(target(RoutingService, "assign", routingKey(environmentId)), { deploymentId });
}
