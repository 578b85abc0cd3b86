/** The routes that create and show a deployment. Each one checks the body, calls a use case and builds the answer. */
import type { z } from "zod";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { queueText } from "../../internal/deployments/queue.ts";
import { createDeployment } from "../../services/deployment/create.ts";
import type { CreateRequest, RequestedSource } from "../../services/deployment/create_request.ts";
import { createUpload } from "../../services/deployment/create_upload.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import { requireDeployment } from "../../services/deployment/find.ts";
import { wireApp, wireSize } from "./app_body.ts";
import { readBody } from "./body.ts";
import { ProblemError } from "./problem.ts";
import { createDeploymentBody, generateUploadUrlBody, getDeploymentBody } from "./schemas.ts";

/** The answer of a route that did not fail. */
export interface Answer {
  readonly status: number;
  readonly data: unknown;
}

/** One route, called after authentication. */
export type Route<D> = (deps: D, caller: RootKeyPrincipal, request: Request) => Promise<Answer>;

export const PROJECT_MISSING = "The requested project does not exist or has been deleted.";
export const ENVIRONMENT_MISSING = "The requested environment does not exist or has been deleted.";
export const DEPLOYMENT_MISSING = "The requested deployment does not exist or has been deleted.";

export async function generateUploadUrl(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { projectId } = await readBody(request, "/v2/deploy.generateUploadUrl", generateUploadUrlBody);
  requireInProject(caller, "generate_upload_url", projectId);
  const upload = await createUpload(deps, caller, { projectId, sizeBytes: 0, checksumSha256: "" })
    .catch(saying(PROJECT_MISSING));
  return { status: 200, data: { uploadUrl: upload.url, context: upload.objectKey } };
}

export async function createDeploymentRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.createDeployment", createDeploymentBody);
  requireInProject(caller, "create_deployment", body.projectId);
  const idempotencyKey = request.headers.get("idempotency-key") ?? "";
  const { id } = await createDeployment(deps, caller, decodeCreate(body, idempotencyKey));
  return { status: 201, data: { deploymentId: id } };
}

export async function getDeploymentRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { deploymentId: id } = await readBody(request, "/v2/deploy.getDeployment", getDeploymentBody);
  const deployment = await requireDeployment(deps, caller, { id, action: "read_deployment" })
    .catch(saying(DEPLOYMENT_MISSING));
  const { hostnames, steps, errorMessage, queue, imageRemoved, imageSourceDeploymentId, app, stopsAt } =
    deployment;
  return {
    status: 200,
    data: {
      id: deployment.id,
      status: deployment.status.toUpperCase(),
      ...(hostnames.length === 0 ? {} : { hostnames }),
      ...(errorMessage === "" ? {} : { errorMessage }),
      ...(imageRemoved ? { imageRemoved } : {}),
      ...(imageSourceDeploymentId === "" ? {} : { imageSourceDeploymentId }),
      ...(Object.keys(app).length === 0 ? {} : { app }),
      ...(stopsAt === undefined ? {} : { stopsAt }),
      ...(queue === undefined ? {} : {
        queue: {
          position: queue.ahead + 1,
          blockerIds: queue.running.map(({ id }) => id),
          blocker: queueText(queue.ahead, queue.running),
          queuedAt: queue.queuedAt,
        },
      }),
      ...(steps.length === 0 ? {} : {
        steps: steps.map((step) => ({
          status: step.status,
          message: step.message,
          errorMessage: step.errorMessage,
          createdAt: step.startedAt,
        })),
      }),
    },
  };
}

/** Replaces the text of `not_found` by the one that clients of the original API know. */
export function saying(
  detail: string,
  type: "project_not_found" | "environment_not_found" = "project_not_found",
): (error: unknown) => never {
  return (error) => {
    if (isFault(error, "not_found")) {
      throw new ProblemError({ status: 404, type: `data/${type}`, detail });
    }
    throw error;
  };
}

function decodeCreate(body: z.infer<typeof createDeploymentBody>, idempotencyKey: string): CreateRequest {
  const { gitCommit: git } = body;
  return {
    projectId: body.projectId,
    environmentSlug: body.environmentSlug,
    branch: body.branch,
    startSeconds: body.startSeconds ?? 0,
    protocol: body.protocol ?? "",
    size: body.size === undefined ? undefined : wireSize(body.size),
    app: body.app === undefined ? undefined : wireApp(body.app),
    source: decodeSource(body),
    git: git === undefined ? undefined : {
      commitSha: git.commitSha ?? "",
      commitMessage: git.commitMessage ?? "",
      authorHandle: git.authorHandle ?? "",
      authorAvatarUrl: git.authorAvatarUrl ?? "",
      timestampMs: git.timestamp ?? 0,
    },
    command: [],
    idempotencyKey,
    port: 0,
    healthCheckPath: "",
    redeployOf: "",
  };
}

function decodeSource({ build, image }: z.infer<typeof createDeploymentBody>): RequestedSource | undefined {
  if (image !== undefined) return { kind: "image", image };
  if (build === undefined) return undefined;
  const encoder = new TextEncoder();
  const { dockerfileContent: content, secrets = {} } = build;
  return {
    kind: "context",
    objectKey: build.context,
    dockerfilePath: build.dockerfile ?? "",
    dockerfile: content === undefined ? undefined : encoder.encode(content),
    build: {
      arguments: build.arguments ?? {},
      secrets: new Map(Object.entries(secrets).map(([id, text]) => [id, encoder.encode(text)])),
      target: build.target ?? "",
      noCache: build.noCache ?? false,
      pull: build.pull ?? false,
      platform: build.platform ?? "",
      variableArguments: build.variableArguments ?? [],
    },
  };
}
