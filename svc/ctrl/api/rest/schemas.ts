import { z } from "zod";
import { appBody, sizeBody } from "./app_body.ts";

const projectId = z.string().regex(/^proj_[a-zA-Z0-9]+$/, 'must match "^proj_[a-zA-Z0-9]+$"');
const filled = z.string().min(1);

export const generateUploadUrlBody = z.strictObject({ projectId });

const gitCommit = z.strictObject({
  commitSha: z.string().optional(),
  commitMessage: z.string().optional(),
  authorHandle: z.string().optional(),
  authorAvatarUrl: z.string().optional(),
  timestamp: z.int().optional(),
});

const build = z.strictObject({
  context: filled,
  /** Its path: in the archive, or for messages beside `dockerfileContent`. */
  dockerfile: z.string().optional(),
  dockerfileContent: z.string().optional(),
  arguments: z.record(z.string(), z.string()).optional(),
  secrets: z.record(z.string(), z.string()).optional(),
  target: z.string().optional(),
  noCache: z.boolean().optional(),
  pull: z.boolean().optional(),
  platform: z.string().optional(),
  variableArguments: z.array(z.string()).optional(),
});

export const createDeploymentBody = z.strictObject({
  projectId,
  branch: filled,
  environmentSlug: filled,
  keyspaceId: z.string().optional(),
  gitCommit: gitCommit.optional(),
  build: build.optional(),
  image: filled.optional(),
  size: sizeBody.optional(),
  app: appBody.optional(),
  startSeconds: z.int().min(1).optional(),
  protocol: z.enum(["http1", "h2c"]).optional(),
}).refine(
  ({ build, image }) => (build === undefined) !== (image === undefined),
  'must have exactly one of "build" and "image"',
);

const deploymentId = z.string().regex(/^d_[a-zA-Z0-9]+$/, 'must match "^d_[a-zA-Z0-9]+$"');

export const getDeploymentBody = z.strictObject({ deploymentId });

/** Of the routes that do something to one deployment. */
export const deploymentBody = z.strictObject({ deploymentId });

export const stopBody = z.strictObject({ deploymentId, confirmed: z.boolean().optional() });

export const rollbackBody = z.strictObject({
  sourceDeploymentId: deploymentId.optional(),
  targetDeploymentId: deploymentId.optional(),
  projectId: projectId.optional(),
  environmentSlug: filled.optional(),
}).refine(
  ({ sourceDeploymentId, targetDeploymentId, projectId }) =>
    (sourceDeploymentId ?? targetDeploymentId ?? projectId) !== undefined,
  'must have "sourceDeploymentId", "targetDeploymentId" or "projectId"',
);

const environment = { projectId, environmentSlug: filled };

export const environmentBody = z.strictObject(environment);

export const setAppSettingsBody = z.strictObject({
  ...environment,
  settings: appBody.optional(),
  /** Names of settings to forget first, as in `unkey.json`; `*`: all. */
  reset: z.array(filled).optional(),
}).refine(({ settings, reset }) => (settings ?? reset) !== undefined, 'must have "settings" or "reset"');

export const setSizeBody = z.strictObject({
  ...environment,
  size: sizeBody.optional(),
  /** Forgets first what was set before. */
  reset: z.boolean().optional(),
}).refine(({ size, reset }) => size !== undefined || reset === true, 'must have "size" or "reset"');

export const listDeploymentsBody = z.strictObject({
  projectId: projectId.optional(),
  environmentSlug: filled.optional(),
  limit: z.int().min(1).max(100).optional(),
  cursor: filled.optional(),
});

/** Of the routes that do something to one domain. */
export const domainBody = z.strictObject({ projectId, domain: filled });

export const addDomainBody = z.strictObject({
  projectId,
  environmentSlug: filled,
  domain: filled,
  redirectTo: z.string().optional(),
});

export const listDomainsBody = z.strictObject({ projectId, environmentSlug: filled.optional() });

export const setDomainRedirectBody = z.strictObject({ projectId, domain: filled, redirectTo: z.string() });
