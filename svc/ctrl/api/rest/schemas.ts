import { z } from "zod";
import { PERCENT_MAX, STEPS_MAX } from "../../services/deployment/gradual_settings.ts";
import { appBody, sizeBody } from "./app_body.ts";
import { named, ruled } from "./named.ts";

export const projectId = z.string().regex(/^proj_[a-zA-Z0-9]+$/, 'must match "^proj_[a-zA-Z0-9]+$"');
export const filled = z.string().min(1);
export const slug = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

/** The most lines of output in one answer, and before a stream. */
export const LOG_LINES_MAX = 1_000;

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
  dockerfile: z.string().optional()
    .describe("Its path: in the archive, or for messages beside `dockerfileContent`."),
  dockerfileContent: z.string().optional(),
  arguments: z.record(z.string(), z.string()).optional(),
  secrets: z.record(z.string(), z.string()).optional(),
  target: z.string().optional(),
  noCache: z.boolean().optional(),
  pull: z.boolean().optional(),
  platform: z.string().optional(),
  variableArguments: z.array(z.string()).optional(),
});

/** Settings of a move of requests in steps. */
export const gradualBody = z.strictObject({
  steps: z.array(z.int().min(1).max(PERCENT_MAX)).min(1).max(STEPS_MAX).optional().describe(
    "Growing shares of the requests, in percent; all of them follow. Default: 10 and 50.",
  ),
  everySeconds: z.int().min(1).max(86_400).optional().describe(
    "The time of each step. Absent: each is ordered by `advanceGradualSwitch`.",
  ),
  sticky: z.boolean().optional().describe("Clients stay with their version, by a cookie."),
});

export const createDeploymentBody = ruled(
  { oneOf: [{ required: ["build"] }, { required: ["image"] }] },
  z.strictObject({
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
    gradual: named("GradualSettings", gradualBody).optional(),
  }).refine(
    ({ build, image }) => (build === undefined) !== (image === undefined),
    'must have exactly one of "build" and "image"',
  ),
);

export const deploymentId = z.string().regex(/^d_[a-zA-Z0-9]+$/, 'must match "^d_[a-zA-Z0-9]+$"');

/** Of the routes that are about one deployment. */
export const deploymentBody = named("DeploymentName", z.strictObject({ deploymentId }));

export const stopBody = z.strictObject({
  deploymentId,
  confirmed: z.boolean().optional().describe("Also when it serves names of a branch or an environment."),
});

const ROLLBACK_NAMES = ["sourceDeploymentId", "targetDeploymentId", "projectId"] as const;

export const rollbackBody = named(
  "RollbackTarget",
  ruled(
    { anyOf: ROLLBACK_NAMES.map((name) => ({ required: [name] })) },
    z.strictObject({
      sourceDeploymentId: deploymentId.optional(),
      targetDeploymentId: deploymentId.optional(),
      projectId: projectId.optional(),
      environmentSlug: filled.optional(),
    }).refine(
      (body) => ROLLBACK_NAMES.some((name) => body[name] !== undefined),
      'must have "sourceDeploymentId", "targetDeploymentId" or "projectId"',
    ),
  ),
);

export const environment = { projectId, environmentSlug: filled };

export const environmentBody = named("EnvironmentName", z.strictObject(environment));

export const setAppSettingsBody = ruled(
  { anyOf: [{ required: ["settings"] }, { required: ["reset"] }] },
  z.strictObject({
    ...environment,
    settings: appBody.optional(),
    reset: z.array(filled).optional()
      .describe("Names of settings to forget first, as in `unkey.json`; `*`: all."),
  }).refine(({ settings, reset }) => (settings ?? reset) !== undefined, 'must have "settings" or "reset"'),
);

const SIZE_RULE = {
  anyOf: [{ required: ["size"] }, { required: ["reset"], properties: { reset: { const: true } } }],
};

export const setSizeBody = ruled(
  SIZE_RULE,
  z.strictObject({
    ...environment,
    size: sizeBody.optional(),
    reset: z.boolean().optional().describe("Forgets first what was set before."),
  }).refine(({ size, reset }) => size !== undefined || reset === true, 'must have "size" or "reset"'),
);

/** A body is about one deployment, or about an environment. */
const ONE_OR_ENVIRONMENT = [
  (
    { deploymentId, projectId, environmentSlug }: {
      readonly deploymentId?: string | undefined;
      readonly projectId?: string | undefined;
      readonly environmentSlug?: string | undefined;
    },
  ): boolean =>
    deploymentId === undefined
      ? projectId !== undefined && environmentSlug !== undefined
      : projectId === undefined || environmentSlug === undefined,
  'must have "deploymentId", or "projectId" and "environmentSlug"',
] as const;

export const listDeploymentsBody = z.strictObject({
  projectId: projectId.optional(),
  environmentSlug: filled.optional(),
  limit: z.int().min(1).max(100).optional(),
  cursor: filled.optional(),
});

export const listSwitchesBody = listDeploymentsBody.extend({ deploymentId: deploymentId.optional() });

const gradualSwitchId = z.string().regex(/^gs_[a-zA-Z0-9]+$/, 'must match "^gs_[a-zA-Z0-9]+$"');

/** Of the routes that are about one gradual switch. */
export const gradualSwitchBody = named("GradualSwitchName", z.strictObject({ gradualSwitchId }));

export const beginGradualSwitchBody = gradualBody.extend({ deploymentId });

export const listGradualSwitchesBody = listSwitchesBody.extend({
  running: z.boolean().optional().describe("Only those that run."),
});

export const getTrafficBody = ruled(
  { oneOf: [{ required: ["deploymentId"] }, { required: ["projectId", "environmentSlug"] }] },
  z.strictObject({
    deploymentId: deploymentId.optional(),
    projectId: projectId.optional().describe(
      "With `environmentSlug`: all its deployments that had requests.",
    ),
    environmentSlug: filled.optional(),
    sinceSeconds: z.int().min(60).max(90 * 86_400).optional().describe(
      "The time to look back. Default: an hour.",
    ),
    region: filled.optional(),
  }).refine(...ONE_OR_ENVIRONMENT),
);

/** Of the routes that do something to one domain. */
export const domainBody = named("DomainName", z.strictObject({ projectId, domain: filled }));

export const addDomainBody = z.strictObject({
  projectId,
  environmentSlug: filled,
  domain: filled,
  redirectTo: z.string().optional(),
});

export const listDomainsBody = z.strictObject({ projectId, environmentSlug: filled.optional() });

export const setDomainRedirectBody = z.strictObject({ projectId, domain: filled, redirectTo: z.string() });

export const endBranchBody = z.strictObject({
  projectId,
  branch: filled,
  environmentSlug: filled.optional(),
});

export const setIdleEndBody = z.strictObject({
  ...environment,
  seconds: z.int().min(0).optional().describe("0: never; absent: the operator's value."),
});

const CHANGES = ["password", "generate", "off"] as const;

export const setProtectionBody = ruled(
  { oneOf: CHANGES.map((name) => ({ required: [name] })) },
  z.strictObject({
    projectId,
    environmentSlug: filled.optional().describe("Absent: all environments but production."),
    password: z.string().min(8).max(256).optional(),
    generate: z.literal(true).optional().describe("Makes a password, which only this answer shows."),
    off: z.literal(true).optional().describe("Everybody may see it again."),
  }).refine(
    (body) => CHANGES.filter((name) => body[name] !== undefined).length === 1,
    'must have exactly one of "password", "generate" and "off"',
  ),
);

const SHARED = ["environmentSlug", "deploymentId"] as const;

export const createShareLinkBody = ruled(
  { oneOf: SHARED.map((name) => ({ required: [name] })) },
  z.strictObject({
    projectId,
    environmentSlug: filled.optional(),
    deploymentId: deploymentId.optional(),
    validSeconds: z.int().min(60).max(7_776_000).optional().describe("Absent: a day."),
  }).refine(
    (body) => SHARED.filter((name) => body[name] !== undefined).length === 1,
    'must have exactly one of "environmentSlug" and "deploymentId"',
  ),
);

export const revokeShareLinksBody = z.strictObject({
  projectId,
  environmentSlug: filled.optional().describe("Absent: the links of all passwords of the project."),
});

export const nothingBody = named("EmptyBody", z.strictObject({}));

export const createProjectBody = z.strictObject({
  slug,
  name: z.string().max(256).optional(),
  defaultBranch: z.string().max(256).optional(),
});

export const projectBody = named("ProjectName", z.strictObject({ projectId }));

export const createEnvironmentBody = z.strictObject({
  projectId,
  slug,
  description: z.string().max(255).optional(),
});

export const deleteEnvironmentBody = z.strictObject({
  ...environment,
  stop: z.boolean().optional().describe("Stops first what runs there."),
});

export const setVariablesBody = z.strictObject({
  ...environment,
  variables: z.record(z.string(), z.string()),
});

export const removeVariableBody = z.strictObject({ ...environment, name: filled });

export const createRootKeyBody = z.strictObject({
  name: z.string().max(256).optional(),
  permissions: z.array(filled).min(1).max(100),
});

export const revokeRootKeyBody = z.strictObject({ keyId: filled });

export const addRegistryBody = z.strictObject({ host: filled, username: filled, secret: filled });

export const registryBody = z.strictObject({ host: filled });

export const auditBody = z.strictObject({
  projectId: projectId.optional(),
  deploymentId: deploymentId.optional(),
  action: filled.max(64).optional(),
  limit: z.int().min(1).max(200).optional(),
  cursor: filled.optional(),
});

/** In the year 2286; nanoseconds of it fill the digits that output is kept with. */
const TIME_MS_MAX = 9_999_999_999_999;
const moment = z.int().min(0).max(TIME_MS_MAX);

const output = {
  deploymentId,
  instance: filled.optional().describe("The beginning of the names of instances."),
  region: filled.optional(),
};

export const getLogsBody = z.strictObject({
  ...output,
  tail: z.int().min(0).max(LOG_LINES_MAX).optional(),
  since: moment.optional(),
  until: moment.optional(),
});

export const streamLogsBody = z.strictObject({
  ...output,
  tail: z.int().min(0).max(LOG_LINES_MAX).optional(),
  since: moment.optional(),
});

export const searchLogsBody = ruled(
  { oneOf: [{ required: ["deploymentId"] }, { required: ["projectId"] }] },
  z.strictObject({
    deploymentId: deploymentId.optional(),
    projectId: projectId.optional(),
    environmentSlug: slug.optional().describe("Of the project; without it, all of its environments."),
    text: filled.max(200).optional().describe(
      "Words as they stand in the line, in any case; `*` at the end takes longer last words.",
    ),
    level: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).optional()
      .describe("Lines of this level or a more severe one."),
    since: moment.optional(),
    until: moment.optional(),
    instance: output.instance,
    region: output.region,
    limit: z.int().min(1).max(LOG_LINES_MAX).optional(),
    cursor: filled.optional(),
  }).refine(
    ({ deploymentId, projectId }) => (deploymentId === undefined) !== (projectId === undefined),
    'must have exactly one of "deploymentId" and "projectId"',
  ),
);

export const streamEventsBody = z.strictObject({
  deploymentId,
  afterSequence: z.int().min(0).optional().describe("Of the last event that the client has."),
});

export const openApiDiffBody = z.strictObject({
  oldDeploymentId: deploymentId,
  newDeploymentId: deploymentId,
});
