/** Bodies of the routes of runs and crons. */
import { z } from "zod";
import { named, ruled } from "./named.ts";
import {
  deploymentId,
  environment,
  filled,
  listDeploymentsBody,
  listSwitchesBody,
  projectId,
  slug,
} from "./schemas.ts";

export const createRunBody = ruled(
  {
    oneOf: [
      { required: ["deploymentId", "command"], properties: { cron: false } },
      { required: ["projectId", "environmentSlug", "command"], properties: { cron: false } },
      {
        required: ["projectId", "environmentSlug", "cron"],
        properties: { deploymentId: false, command: false, timeoutSeconds: false },
      },
    ],
  },
  z.strictObject({
    deploymentId: deploymentId.optional().describe("A ready deployment."),
    projectId: projectId.optional().describe("With `environmentSlug`: its live deployment."),
    environmentSlug: filled.optional(),
    command: z.array(z.string()).min(1).optional(),
    cron: slug.optional().describe("In place of a command: a cron of the environment."),
    timeoutSeconds: z.int().min(1).max(86_400).optional().describe("An hour if absent."),
    region: filled.optional(),
  }).refine(
    ({ deploymentId, projectId, environmentSlug, command, cron, timeoutSeconds }) => {
      const isPlaced = projectId !== undefined && environmentSlug !== undefined;
      if (cron !== undefined) {
        return isPlaced && [deploymentId, command, timeoutSeconds].every((each) => each === undefined);
      }
      if (command === undefined) return false;
      return (deploymentId === undefined) === isPlaced;
    },
    'must have "command", and "deploymentId" or "projectId" and "environmentSlug"; or "cron" with the latter two',
  ),
);

/** Of the routes that are about one run. */
export const runBody = named(
  "RunName",
  z.strictObject({ runId: z.string().regex(/^run_[a-zA-Z0-9]+$/, 'must match "^run_[a-zA-Z0-9]+$"') }),
);

export const listRunsBody = listSwitchesBody.extend({ cron: slug.optional() });

export const listCronsBody = listDeploymentsBody.extend({});

/** Of the routes that do something to one cron. */
export const cronBody = named("CronName", z.strictObject({ ...environment, name: slug }));
