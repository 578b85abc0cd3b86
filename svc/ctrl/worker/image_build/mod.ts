/**
 * The build service on Restate.
 *
 * ```ts
 * const services = [buildService({ restate, steps, limitMs: 30 * 60_000 })];
 * ```
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runService } from "../../../../pkg/durable/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import {
  type BuildDockerImageRequest,
  type BuildDockerImageResponse,
  BuildDockerImageResponseSchema,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { BuildService } from "./contract.ts";
import type { BuildJob, BuildReport, BuildSteps } from "./types.ts";
import { buildImage } from "./workflow.ts";

export interface BuildServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: BuildSteps;
  /** For a build as a whole, restarts included. */
  readonly limitMs: number;
}

/** Beyond the build's own limit, so that Restate never takes a long build for a stuck one. */
const SLACK_MS = 5 * 60_000;

/** Binds the build service. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function buildService({ restate, steps, limitMs }: BuildServiceDeps) {
  return implement(BuildService, {
    handlers: {
      BuildDockerImage: (ctx, request) =>
        runService(
          ctx,
          restate,
          async (durable) => toResponse(await buildImage(durable, steps, { job: toJob(request), limitMs })),
        ),
    },
    options: {
      ingressPrivate: true,
      inactivityTimeout: limitMs + SLACK_MS,
      abortTimeout: SLACK_MS,
      // Kill: its caller gets the error and undoes its own work; a build has nothing to undo.
      retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "kill" },
    },
  });
}

function toJob(request: BuildDockerImageRequest): BuildJob {
  const { deploymentId, workspaceId, projectId, buildContextPath, dockerfilePath } = request;
  for (
    const [field, value] of Object.entries({
      deploymentId,
      workspaceId,
      projectId,
      buildContextPath,
      dockerfilePath,
    })
  ) {
    if (value === "") throw publicFault("invalid_argument", `A build needs ${field}.`);
  }
  return { deploymentId, workspaceId, projectId, contextPath: buildContextPath, dockerfile: dockerfilePath };
}

function toResponse(report: BuildReport): BuildDockerImageResponse {
  if (report.kind === "built") {
    const { image: imageName, buildId: depotBuildId } = report;
    return create(BuildDockerImageResponseSchema, { imageName, depotBuildId });
  }
  const { code, message, details } = report;
  const left = details === undefined ? {} : {
    ...(details.exitCode === undefined ? {} : { exitCode: details.exitCode }),
    origin: details.origin,
    lastLines: [...details.lines],
  };
  return create(BuildDockerImageResponseSchema, { failure: { code, message, ...left } });
}
