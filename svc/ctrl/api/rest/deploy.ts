/** The routes that create and show a deployment. Each one checks the body, calls a use case and builds the answer. */
import { z } from "zod";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import { queueText } from "../../internal/deployments/queue.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import { createDeployment } from "../../services/deployment/create.ts";
import type { CreateRequest, RequestedSource } from "../../services/deployment/create_request.ts";
import { createUpload } from "../../services/deployment/create_upload.ts";
import { requireDeployment } from "../../services/deployment/find.ts";
import { shownApp, wireApp, wireSize } from "./app_body.ts";
import { DEPLOYMENT, PROJECT } from "./examples.ts";
import { ProblemError } from "./problem.ts";
import { answer, created, defineRoute, ok } from "./route.ts";
import { createDeploymentBody, deploymentBody, generateUploadUrlBody, type gradualBody } from "./schemas.ts";
import type { RequestedGradual } from "../../services/deployment/gradual_settings.ts";
import { deploymentShape, shownStatus } from "./shapes.ts";

export const PROJECT_MISSING = "The requested project does not exist or has been deleted.";
export const ENVIRONMENT_MISSING = "The requested environment does not exist or has been deleted.";
export const DEPLOYMENT_MISSING = "The requested deployment does not exist or has been deleted.";

const createdShape = z.object({ deploymentId: z.string() });

/** A create that takes everything from the deployment that it names. */
const AGAIN: Omit<CreateRequest, "redeployOf" | "idempotencyKey" | "trace"> = {
  projectId: "",
  environmentSlug: "",
  branch: "",
  source: undefined,
  git: undefined,
  command: [],
  port: 0,
  healthCheckPath: "",
  startSeconds: 0,
  protocol: "",
  size: undefined,
  app: undefined,
};

export const generateUploadUrl = defineRoute({
  name: "generateUploadUrl",
  tag: "Deployments",
  summary: "Returns a URL that takes one build context, a tar.gz archive, by PUT.",
  rpc: DeploymentService.method.createS3UploadURL,
  body: generateUploadUrlBody,
  example: { projectId: PROJECT },
  answers: {
    200: answer(
      "Send the archive to `uploadUrl`, then name `context` when you create the deployment.",
      z.object({ uploadUrl: z.string(), context: z.string() }),
      { uploadUrl: "https://s3.example.com/contexts/build_1.tar.gz?signature=…", context: "build_1.tar.gz" },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { projectId } }) {
    requireInProject(caller, "generate_upload_url", projectId);
    const upload = await createUpload(deps, caller, { projectId, sizeBytes: 0, checksumSha256: "" })
      .catch(saying(PROJECT_MISSING));
    return ok({ uploadUrl: upload.url, context: upload.objectKey });
  },
});

export const createDeploymentRoute = defineRoute({
  name: "createDeployment",
  tag: "Deployments",
  summary: "Creates a deployment of an image, or of a build context that was uploaded.",
  rpc: DeploymentService.method.createDeployment,
  body: createDeploymentBody,
  example: {
    projectId: PROJECT,
    environmentSlug: "production",
    branch: "main",
    image: "ghcr.io/acme/shop:1.4.2",
  },
  answers: {
    201: answer("It is created, and its deploy goes on.", createdShape, { deploymentId: DEPLOYMENT }),
  },
  problems: [404, 412],
  idempotent: true,
  async run({ deps: { deployment: deps }, caller, body, idempotencyKey, traceParent }) {
    requireInProject(caller, "create_deployment", body.projectId);
    const trace = { traceParent, client: undefined };
    const { id } = await createDeployment(deps, caller, { ...decodeCreate(body, idempotencyKey), trace });
    return created({ deploymentId: id });
  },
});

export const redeployRoute = defineRoute({
  name: "redeploy",
  tag: "Deployments",
  summary:
    "Deploys the image of an earlier deployment again, with the variables of its environment as they are now.",
  rpc: DeploymentService.method.createDeployment,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    201: answer("It is created, and its deploy goes on.", createdShape, {
      deploymentId: "d_5fLqcHJ2t9xK1m3",
    }),
  },
  problems: [404, 412],
  idempotent: true,
  async run({ deps: { deployment: deps }, caller, body: { deploymentId }, idempotencyKey, traceParent }) {
    const { id } = await createDeployment(deps, caller, {
      ...AGAIN,
      trace: { traceParent, client: undefined },
      redeployOf: deploymentId,
      idempotencyKey,
    })
      .catch(saying(DEPLOYMENT_MISSING));
    return created({ deploymentId: id });
  },
});

export const getDeploymentRoute = defineRoute({
  name: "getDeployment",
  tag: "Deployments",
  summary: "Shows a deployment.",
  rpc: DeploymentService.method.getDeployment,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer("The deployment as it is now.", deploymentShape, {
      id: DEPLOYMENT,
      status: "READY",
      hostnames: ["shop-acme.example.com"],
    }),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId: id } }) {
    const deployment = await requireDeployment(deps, caller, { id, action: "read_deployment" })
      .catch(saying(DEPLOYMENT_MISSING));
    return ok(deploymentData(deployment));
  },
});

function deploymentData(deployment: DeploymentView): z.infer<typeof deploymentShape> {
  const { hostnames, steps, errorMessage, queue, imageRemoved, imageSourceDeploymentId, app, stopsAt } =
    deployment;
  return {
    id: deployment.id,
    status: shownStatus(deployment.status),
    ...(hostnames.length === 0 ? {} : { hostnames: [...hostnames] }),
    ...(deployment.sleep === undefined
      ? {}
      : { asleep: { since: deployment.sleep.sinceMs, waking: deployment.sleep.isWaking } }),
    ...(deployment.isProtected ? { protected: true as const } : {}),
    ...(errorMessage === "" ? {} : { errorMessage }),
    ...(imageRemoved ? { imageRemoved } : {}),
    ...(imageSourceDeploymentId === "" ? {} : { imageSourceDeploymentId }),
    ...(Object.keys(app).length === 0 ? {} : { app: shownApp(app) }),
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

function decodeCreate(
  body: z.infer<typeof createDeploymentBody>,
  idempotencyKey: string,
): Omit<CreateRequest, "trace"> {
  const { gitCommit: git } = body;
  return {
    projectId: body.projectId,
    environmentSlug: body.environmentSlug,
    branch: body.branch,
    startSeconds: body.startSeconds ?? 0,
    protocol: body.protocol ?? "",
    size: body.size === undefined ? undefined : wireSize(body.size),
    app: body.app === undefined ? undefined : wireApp(body.app),
    gradual: body.gradual === undefined ? undefined : requestedGradual(body.gradual),
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

/** The settings of a gradual switch, as the control plane has them. */
export function requestedGradual(
  { steps = [], everySeconds = 0, sticky = false }: z.infer<typeof gradualBody>,
): RequestedGradual {
  return { steps, everyMs: everySeconds * 1_000, sticky };
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
